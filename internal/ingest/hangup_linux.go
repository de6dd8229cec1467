package ingest

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// rawConn returns the socket of a connection or a listener for hungUp and readable, nil
// without a socket.
func rawConn(of any) syscall.RawConn {
	socket, ok := of.(syscall.Conn)
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
func hungUp(raw syscall.RawConn) bool { return polled(raw, unix.POLLRDHUP) }

// readable reports whether a read, or an accept of a listener, would not wait.
func readable(raw syscall.RawConn) bool { return polled(raw, unix.POLLIN) }

func polled(raw syscall.RawConn, events int16) (found bool) {
	err := raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: events}} //nolint:gosec // a small number
		n, err := unix.Poll(fds, 0)
		found = err == nil && n > 0
	})
	return err == nil && found
}
