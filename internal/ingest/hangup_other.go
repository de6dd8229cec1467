//go:build !linux

package ingest

import (
	"net"
	"syscall"
)

// rawConn returns nil: without POLLRDHUP net/http's own read notices a sender that has hung
// up.
func rawConn(net.Conn) syscall.RawConn { return nil }

func hungUp(syscall.RawConn) bool { return false }
