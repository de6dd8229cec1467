//go:build !linux

package ingest

import "syscall"

// rawConn returns nil: without POLLRDHUP net/http's own read notices a sender that has hung
// up.
func rawConn(any) syscall.RawConn { return nil }

func hungUp(syscall.RawConn) bool { return false }

func readable(syscall.RawConn) bool { return false }
