package manifests_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// A link is the network between ingest and NATS. It can be slow, and it can be cut.
type link struct {
	to string
	ln net.Listener

	mu    sync.Mutex
	cut   bool
	delay time.Duration
	conns []net.Conn
}

func startLink(t *testing.T, to string) *link {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{to: to, ln: ln}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			running.Go(func() { l.serve(conn) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		l.set(true, 0)
		running.Wait()
	})
	return l
}

// set cuts or repairs the link, and delays everything that ingest sends.
func (l *link) set(cut bool, delay time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut, l.delay = cut, delay
	if cut {
		for _, c := range l.conns {
			c.Close()
		}
		l.conns = nil
	}
}

// keep registers the connections of a client and the server, unless the link is cut.
func (l *link) keep(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, conns...)
	return !l.cut
}

func (l *link) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer server.Close()
	if !l.keep(client, server) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() { _, _ = io.Copy(client, server); client.Close() })
	_, _ = io.Copy(slow{server, l}, client)
	server.Close()
	back.Wait()
}

// slow writes with the link's delay.
type slow struct {
	net.Conn
	link *link
}

func (s slow) Write(p []byte) (int, error) {
	s.link.mu.Lock()
	delay := s.link.delay
	s.link.mu.Unlock()
	time.Sleep(delay)
	return s.Conn.Write(p)
}
