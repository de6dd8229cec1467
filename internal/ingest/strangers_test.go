//go:build !race

package ingest_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// strangers returns how many connections a test may open: each takes two files of this
// process.
func strangers(t *testing.T) int {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	return min(4200, int(limit.Cur/2)-500)
}

// inTime is the promise of ingest. Calls that strangers hold up wait for headerTimeout, 5 s.
const inTime = 3 * time.Second

// Whatever strangers send before they fall silent, a signed call is answered in time, on a
// new connection.
//
//nolint:paralleltest // takes most of the files that the process may open
func TestStrangersDelayNoCall(t *testing.T) {
	for name, raw := range map[string]string{
		"a probe":                    probe,
		"an unsigned call":           head(length(small)) + "\r\n" + small,
		"nothing":                    "",
		"half a header":              head(length(small)),
		"half a body, with a header": head(length(small), webhook.HeaderSignature+": "+strings.Repeat("ab", 32)) + "\r\n" + small[:9],
	} {
		t.Run(name, func(t *testing.T) {
			n := strangers(t)
			l := serveOn(t, ingest.Config{MaxConnections: n * 4096 / 4200})
			var c crowd
			defer c.leave()
			opened := make(chan error, 1)
			go func() { opened <- c.open(l.addr, raw, n) }()
			slowest := l.slowest(t, opened)
			t.Logf("%d strangers: the slowest call took %v", n, slowest)
			if slowest > inTime {
				t.Errorf("the slowest call took %v", slowest)
			}
		})
	}
}

// Silent strangers wait in the kernel's queue before a signed call, also if the limit is a
// small part of their number.
//
//nolint:paralleltest // takes most of the files that the process may open
func TestSilentStrangersDelayNoCallAtASmallLimit(t *testing.T) {
	n := strangers(t)
	l := serveOn(t, ingest.Config{MaxConnections: 100})
	var c crowd
	defer c.leave()
	opened := make(chan error, 1)
	go func() { opened <- c.open(l.addr, "", n) }()
	slowest := l.slowest(t, opened)
	t.Logf("%d strangers: the slowest call took %v", n, slowest)
	if slowest > inTime {
		t.Errorf("the slowest call took %v", slowest)
	}
}

// A sender whose first bytes come at once has time for three round trips among silent
// strangers.
//
//nolint:paralleltest // takes most of the files that the process may open
func TestSilentStrangersDriveOutNoSender(t *testing.T) {
	n := strangers(t)
	secured := newSecured(t, ingest.Config{MaxConnections: 20})
	var c crowd
	defer c.leave()
	opened := make(chan error, 1)
	go func() { opened <- c.open(secured.addr, "", n) }()
	var senders sync.WaitGroup
	for sender := range 10 {
		<-time.After(10 * time.Millisecond)
		senders.Go(func() {
			conn := secured.dial(t)
			defer conn.Close()
			if err := conn.(*tls.Conn).Handshake(); err != nil {
				t.Error(err)
				return
			}
			<-time.After(100 * time.Millisecond)
			sendAll(conn, call(fmt.Sprintf(`{"event_id":"%d"}`, sender)))
			if got, err := readAnswer(bufio.NewReader(conn)); got != stored || err != nil {
				t.Errorf("call %d is answered %q, %v", sender, got, err)
			}
		})
	}
	senders.Wait()
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

// slowest sends signed calls until strangers have opened their connections, and half a
// second later, and returns the longest time until an answer.
func (l *listener) slowest(t *testing.T, opened <-chan error) (slowest time.Duration) {
	t.Helper()
	var end <-chan time.Time
	for i := 0; ; i++ {
		start := time.Now()
		got := l.exchange(t, call(fmt.Sprintf(`{"event_id":"%d"}`, i)))
		if len(got) != 1 || got[0] != stored {
			t.Errorf("call %d is answered %q", i, got)
		}
		slowest = max(slowest, time.Since(start))
		select {
		case err := <-opened:
			if err != nil {
				t.Fatal(err)
			}
			end = time.After(time.Second / 2)
		case <-end:
			return slowest
		case <-time.After(5 * time.Millisecond):
		}
	}
}
