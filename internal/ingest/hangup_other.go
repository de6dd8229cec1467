//go:build !linux

package ingest

import (
	"net"
	"syscall"
)

// rawConn returns nil: without POLLRDHUP net/http's own read notices a sender that has hung
// up.
func rawConn(any) syscall.RawConn { return nil }

func hungUp(syscall.RawConn) bool { return false }

// queued returns false: an ending listener relies on its deadline.
func queued(net.Listener) bool { return false }
