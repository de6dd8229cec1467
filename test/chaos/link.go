package main

import (
	"bytes"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A weather is the state of a network.
type weather struct {
	// delay is added to each chunk of bytes, and up to jitter more.
	delay, jitter time.Duration
	// loss is the share of lost packets, from 0 to 1. TCP repeats a lost packet, and the
	// receiver gets all later bytes after the repeated packet.
	loss float64
	// stall is the end of a pause in which no byte arrives. Zero: no pause.
	stall time.Time
}

// retransmit is how long TCP waits before it repeats a packet: Linux' smallest
// retransmission timeout (TCP_RTO_MIN in include/net/tcp.h).
const retransmit = 200 * time.Millisecond

// arrival returns when a chunk of bytes arrives that is sent now.
func (w weather) arrival(now time.Time) time.Time {
	at := now.Add(w.delay)
	if w.jitter > 0 {
		at = at.Add(rand.N(w.jitter))
	}
	if rand.Float64() < w.loss {
		at = at.Add(retransmit)
	}
	if at.Before(w.stall) {
		at = w.stall
	}
	return at
}

// A link is one connection through a proxy.
type link struct {
	proxy          *proxy
	client, server net.Conn
	// dead is set for a half-open connection, left when its client has closed it.
	dead, left atomic.Bool
}

// run forwards bytes until both sides are closed.
func (l *link) run() {
	var both sync.WaitGroup
	both.Go(func() {
		l.forward(l.server, l.client)
		l.left.Store(true)
	})
	both.Go(func() { l.forward(l.client, l.server) })
	both.Wait()
}

// A chunk is a number of bytes on their way.
type chunk struct {
	data []byte
	at   time.Time // of the arrival
}

// inFlight is how many chunks of a connection are on their way; the sender waits with
// more.
const inFlight = 512

// forward copies bytes until from ends, and closes both sides. When the connection
// becomes half-open, to gets the first half of the next chunk and nothing more; when
// from ends afterwards, to is not told.
func (l *link) forward(to, from net.Conn) {
	way := make(chan chunk, inFlight)
	go l.receive(way, from)
	alive := false
	for c := range way {
		if wait := time.Until(c.at); wait > 0 {
			time.Sleep(wait)
		}
		switch dead := l.dead.Load(); {
		case !dead:
			alive = true
		case alive:
			c.data, alive = c.data[:len(c.data)/2], false
		default:
			continue
		}
		_, _ = to.Write(c.data) // The other direction notices a closed connection.
	}
	_ = from.Close()
	if !l.dead.Load() {
		_ = to.Close()
	}
}

// receive reads from a connection until its end.
func (l *link) receive(way chan<- chunk, from net.Conn) {
	defer close(way)
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			way <- chunk{bytes.Clone(buf[:n]), l.proxy.now().arrival(time.Now())}
		}
		if err != nil {
			return
		}
	}
}

func (l *link) close() {
	_ = l.client.Close()
	_ = l.server.Close()
}

// reset ends the server's side without a FIN, and without the bytes in the buffers.
func (l *link) reset() {
	if c, ok := l.server.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
	_ = l.server.Close()
}
