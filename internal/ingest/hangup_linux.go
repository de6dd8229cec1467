package ingest

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// rawConn returns the socket of a connection for hungUp or of a listener for queued, nil
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

// queued reports whether a connection waits in the kernel's queue of the listener.
func queued(ln net.Listener) bool {
	raw := rawConn(ln)
	return raw != nil && polled(raw, unix.POLLIN)
}

func polled(raw syscall.RawConn, events int16) (found bool) {
	err := raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: events}} //nolint:gosec // a small number
		n, err := unix.Poll(fds, 0)
		found = err == nil && n > 0
	})
	return err == nil && found
}
