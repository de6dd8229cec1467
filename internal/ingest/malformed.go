package ingest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// The first bytes of the PROXY protocol, versions 1 and 2
// (https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt).
var proxyPrefixes = [][]byte{[]byte("PROXY"), []byte("\r\n\r\n\x00")}

// proxyPrefix is the length of each of proxyPrefixes.
const proxyPrefix = 5

// proxied reports whether the connection begins with the PROXY protocol. A header may be
// split over packets, and net/http refuses version 2 after the first two bytes: proxied
// then reads on.
func (c *conn) proxied(from io.Reader) bool {
	for _, prefix := range proxyPrefixes {
		if !bytes.HasPrefix(prefix, c.first) {
			continue
		}
		rest := make([]byte, proxyPrefix-len(c.first))
		n, _ := io.ReadFull(from, rest) // without the rest the prefix is incomplete
		c.first = append(c.first, rest[:n]...)
		return bytes.Equal(prefix, c.first)
	}
	return false
}

// Write is net.Conn's Write, except for the answers that net/http gives by itself to a
// request without a handler: 400, 417, 431, 501 and 505. Customer.io waits an hour after
// a 400, and the request may be a signed call that a proxy has spoilt. So the answer is
// 503 instead, with an outcome. Each call of Write begins with the line of the status,
// because an answer fits into net/http's buffer.
func (c *conn) Write(p []byte) (int, error) {
	const status, end = len("HTTP/1.1 "), len("HTTP/1.1 400")
	if len(p) >= end {
		switch string(p[status:end]) {
		case "431":
			c.refuse(c.Conn, outcomeHeaderTooLarge)
			return len(p), nil
		case "400", "417", "501", "505":
			c.refuse(c.Conn, outcomeMalformed)
			return len(p), nil
		}
	}
	return c.Conn.Write(p)
}

// lingerTimeout bounds the reading of what a refused sender still sends. A reset could
// otherwise destroy the answer.
const lingerTimeout = 500 * time.Millisecond

// lingerBytes is enough for a usual call.
const lingerBytes = 256 << 10

// refuse answers a request that net/http has not understood. Afterwards net/http closes
// the connection.
func (c *conn) refuse(to net.Conn, o outcome) {
	_ = to.SetDeadline(time.Now().Add(lingerTimeout)) // on a closed connection the writes fail
	if c.proxied(to) {
		o = outcomeProxyProtocol
	}
	c.owner.refused(o)
	_ = to.SetDeadline(time.Now().Add(lingerTimeout))
	if _, err := to.Write(rawAnswer(o)); err != nil || closeWrite(to) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, to, lingerBytes) // ends with the sender, or the deadline
}

// rawAnswer is the answer of an outcome as bytes of HTTP.
func rawAnswer(o outcome) []byte {
	a := &answers[o]
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nRetry-After: %s\r\nConnection: close\r\n\r\n%s",
		a.status, http.StatusText(a.status), len(a.body), retryAfter[0], a.body)
}
