package ingest

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// rawConn returns the socket of a connection for hungUp, nil without a socket.
func rawConn(nc net.Conn) syscall.RawConn {
	socket, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// hungUp reports whether the other side has closed the connection, or its sending side. A
// read would not tell: bytes of TLS or of the next call may come before the end.
func hungUp(raw syscall.RawConn) (gone bool) {
	err := raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}} //nolint:gosec // a small number
		n, err := unix.Poll(fds, 0)
		gone = err == nil && n > 0
	})
	return err == nil && gone
}
