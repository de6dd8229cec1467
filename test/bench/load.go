package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
	"github.com/cioevents/cioevents/test/lab"
)

// A load sends signed events over several connections, one event at a time on each.
// The load writes HTTP by hand: net/http's client costs more than the server and
// would hide the server.
type load struct {
	addr        string
	connections int
	// rate is the offered load in requests a second over all connections. With 0 each
	// connection sends its next request after the answer.
	rate float64
	// warmup comes before duration and is not counted.
	warmup, duration time.Duration
}

// A loadResult contains the answers to a load.
type loadResult struct {
	perSecond     float64
	p50, p99, max time.Duration
	statuses      map[int]int
	// refused is the 99th percentile of answers other than 200, 0 without such answers.
	refused time.Duration
}

// nextEvent numbers the events of the whole run, so that every event id is unique.
var nextEvent atomic.Uint64

func (l load) run(ctx context.Context) (loadResult, error) {
	begin := time.Now()
	from, until := begin.Add(l.warmup), begin.Add(l.warmup+l.duration)
	var (
		mu      sync.Mutex
		times   = map[int][]time.Duration{} // by status
		failure error
		wg      sync.WaitGroup
	)
	for i := range l.connections {
		wg.Go(func() {
			samples, err := l.connection(ctx, i, begin, from, until)
			mu.Lock()
			defer mu.Unlock()
			for status, s := range samples {
				times[status] = append(times[status], s...)
			}
			failure = errors.Join(failure, err)
		})
	}
	wg.Wait()
	if failure != nil || len(times) == 0 {
		return loadResult{}, fmt.Errorf("send load to %s: %w", l.addr, failure)
	}
	return l.result(times), nil
}

func (l load) result(times map[int][]time.Duration) loadResult {
	var all, refused []time.Duration
	statuses := map[int]int{}
	for status, s := range times {
		statuses[status] = len(s)
		all = append(all, s...)
		if status != http.StatusOK {
			refused = append(refused, s...)
		}
	}
	slices.Sort(all)
	slices.Sort(refused)
	r := loadResult{
		perSecond: float64(len(all)) / l.duration.Seconds(),
		p50:       all[len(all)/2], p99: all[len(all)*99/100], max: all[len(all)-1],
		statuses: statuses,
	}
	if n := len(refused); n > 0 {
		r.refused = refused[n*99/100]
	}
	return r
}

// connection sends requests and returns the times of the requests between from and
// until by status. With a rate, a time begins when the request was due, so that a
// stall counts for every request behind the stall.
func (l load) connection(ctx context.Context, number int, begin, from, until time.Time) (map[int][]time.Duration, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(until.Add(time.Minute)) // A hanging server must not hang the bench.
	var (
		in      = bufio.NewReader(conn)
		req     = newRequest(l.addr)
		samples = map[int][]time.Duration{}
		step    time.Duration
		due     = begin
	)
	if l.rate > 0 {
		step = time.Duration(float64(l.connections) / l.rate * float64(time.Second))
		due = due.Add(step * time.Duration(number) / time.Duration(l.connections))
	}
	for {
		start := time.Now()
		if step > 0 {
			time.Sleep(due.Sub(start))
			start, due = due, due.Add(step)
		}
		if start.After(until) || ctx.Err() != nil {
			return samples, nil
		}
		if _, err := conn.Write(req.next()); err != nil {
			return nil, err
		}
		status, err := readAnswer(in)
		if err != nil {
			return nil, err
		}
		if !start.Before(from) {
			samples[status] = append(samples[status], time.Since(start))
		}
	}
}

// A request is a signed call with a new event id each time.
type request struct {
	buf     []byte
	body    []byte // a part of buf
	id      []byte // a part of body
	ts, sig []byte // parts of buf
}

const idMark = "01J00000000000000000000004"

func newRequest(addr string) *request {
	body := webhooktest.Get("email_clicked_machine")
	head := fmt.Sprintf("POST /webhooks/customerio HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nUser-Agent: Customer.io Webhooks\r\n"+
		"X-CIO-Timestamp: 0000000000\r\nX-CIO-Signature: %064d\r\nContent-Length: %d\r\n\r\n", addr, 0, len(body))
	r := &request{buf: append([]byte(head), body...)}
	r.body = r.buf[len(head):]
	at := bytes.Index(r.body, []byte(idMark))
	r.id = r.body[at : at+len(idMark)]
	at = bytes.Index(r.buf, []byte("X-CIO-Timestamp: ")) + len("X-CIO-Timestamp: ")
	r.ts = r.buf[at : at+10]
	at = bytes.Index(r.buf, []byte("X-CIO-Signature: ")) + len("X-CIO-Signature: ")
	r.sig = r.buf[at : at+64]
	return r
}

func (r *request) next() []byte {
	copy(r.id, "01K00000000000000000000000")
	digits := strconv.AppendUint(nil, nextEvent.Add(1), 10)
	copy(r.id[len(r.id)-len(digits):], digits)
	now := time.Now()
	strconv.AppendInt(r.ts[:0], now.Unix(), 10)
	copy(r.sig, webhook.Sign(lab.SigningKey, now, r.body))
	return r.buf
}

// readAnswer reads one answer with a Content-Length and returns its status.
func readAnswer(in *bufio.Reader) (status int, err error) {
	length := 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case first:
			if len(line) < len("HTTP/1.1 200") {
				return 0, fmt.Errorf("read answer: status line is %q", line)
			}
			if status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return 0, err
			}
		case len(line) == 0:
			_, err = io.CopyN(io.Discard, in, int64(length))
			return status, err
		default:
			if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
				if length, err = strconv.Atoi(string(v)); err != nil {
					return 0, err
				}
			}
		}
	}
}
