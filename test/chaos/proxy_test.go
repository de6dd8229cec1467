package main

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// echo returns a proxy to a server that sends all bytes back. ended receives the error
// that ends a connection of the server.
func echo(t *testing.T) (p *proxy, ended <-chan error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	ends := make(chan error, 8)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				_, err := io.Copy(c, c)
				ends <- err
				c.Close()
			}()
		}
	}()
	if p, err = newProxy(ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p, ends
}

func dial(t *testing.T, p *proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// ask sends bytes and returns the answer that arrives within the time.
func ask(t *testing.T, c net.Conn, text string, within time.Duration) (string, error) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		return "", err
	}
	c.SetReadDeadline(time.Now().Add(within))
	buf := make([]byte, len(text))
	n, err := io.ReadFull(c, buf)
	return string(buf[:n]), err
}

const soon, late = 100 * time.Millisecond, 10 * time.Second

// A half-open connection stays silent; its server is told of the end only by restore,
// and its client never.
func TestSilence(t *testing.T) {
	t.Parallel()
	p, ended := echo(t)
	c := dial(t, p)
	if got, err := ask(t, c, "hello", late); err != nil {
		t.Fatalf("answer is %q, %v", got, err)
	}
	p.silence()
	if got, err := ask(t, c, "hello", soon); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("answer of a half-open connection is %q, %v", got, err)
	}
	if n := p.halfOpen(); n != 1 {
		t.Errorf("%d connections are half-open, want 1", n)
	}
	if got, err := ask(t, dial(t, p), "hello", soon); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("answer of a new connection is %q, %v", got, err)
	}
	select {
	case err := <-ended:
		t.Errorf("the server's connection ended with %v before restore", err)
	default:
	}
	p.restore()
	if err := <-ended; err == nil {
		t.Error("the server got a FIN, want a reset")
	}
	if got, err := ask(t, dial(t, p), "hello", late); got != "hello" {
		t.Errorf("answer after restore is %q, %v", got, err)
	}
	if got, err := ask(t, c, "hello", soon); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("answer of the half-open connection after restore is %q, %v", got, err)
	}
}

// A stalled connection loses no byte.
func TestStall(t *testing.T) {
	t.Parallel()
	p, _ := echo(t)
	c := dial(t, p)
	start := time.Now()
	p.set(weather{stall: start.Add(2 * soon)})
	if got, err := ask(t, c, "hello", late); got != "hello" || time.Since(start) < soon {
		t.Errorf("answer is %q, %v, after %v", got, err, time.Since(start))
	}
}

// Latency delays bytes and does not limit how many are on their way.
func TestLatency(t *testing.T) {
	t.Parallel()
	p, _ := echo(t)
	c := dial(t, p)
	p.set(weather{delay: soon, jitter: time.Millisecond, loss: 0.1})
	start := time.Now()
	for range 20 {
		if _, err := io.WriteString(c, "hello"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	if got, err := io.ReadAll(io.LimitReader(c, 100)); len(got) != 100 || time.Since(start) < 2*soon || time.Since(start) > 30*soon { // one by one they take 40
		t.Errorf("%d bytes came back after %v, %v", len(got), time.Since(start), err)
	}
}

// A cut closes connections and refuses new ones.
func TestCut(t *testing.T) {
	t.Parallel()
	p, _ := echo(t)
	c := dial(t, p)
	if _, err := ask(t, c, "hello", late); err != nil {
		t.Fatal(err)
	}
	p.setCut(true)
	for _, c := range []net.Conn{c, dial(t, p)} {
		if got, err := ask(t, c, "hello", late); err == nil {
			t.Errorf("answer is %q", got)
		}
	}
	p.setCut(false)
	if got, err := ask(t, dial(t, p), "hello", late); got != "hello" {
		t.Errorf("answer is %q, %v", got, err)
	}
}
