package ingest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

const (
	teChunked = "Transfer-Encoding: chunked"
	lastChunk = "0\r\n\r\n"
)

// smuggled is a request that an attacker without a key hides inside another request.
var smuggled = head(length(small)) + "\r\n" + small

// A rawRequest is the bytes of a request and the expected answers.
type rawRequest struct {
	name, raw string
	want      []string
	signed    bool // small is stored
}

// The end of a request must be unambiguous. Only the requests that are named signed
// have a signature, and a signed request is stored at most once.
var framings = []rawRequest{
	{name: "length and chunked", raw: head("Content-Length: 5", teChunked) + "\r\n" + lastChunk + smuggled, want: []string{unsigned}},
	{name: "length and chunked, to another path", raw: "GET /healthz HTTP/1.1\r\n" + hostLine + "Content-Length: 5\r\n" + teChunked + "\r\n\r\n" + lastChunk + smuggled, want: []string{"200 ok"}},
	{name: "chunked twice on a connection, signed", raw: strings.Repeat(head(sign(small), teChunked)+"\r\n"+chunk(small)+lastChunk, 2), want: []string{stored, duplicate}, signed: true},
	{name: "length and chunked, signed", raw: head(sign(small), "Content-Length: 5", teChunked) + "\r\n" + chunk(small) + lastChunk, want: []string{stored}, signed: true},
	{name: "length and chunked, signed by length", raw: head(sign("0\r\n\r\n"), "Content-Length: 5", teChunked) + "\r\n" + lastChunk, want: []string{misSigned}},
	{name: "two lengths", raw: head("Content-Length: 0", length(smuggled)) + "\r\n" + smuggled, want: []string{malformed}},
	{name: "two lengths in a line", raw: head("Content-Length: 0, 5") + "\r\n" + smuggled, want: []string{malformed}},
	{name: "the same length twice, signed", raw: head(sign(small), length(small), length(small)) + "\r\n" + small, want: []string{stored}, signed: true},
	{name: "length with a sign", raw: head("Content-Length: +5") + "\r\nhello", want: []string{malformed}},
	{name: "length below zero", raw: head("Content-Length: -5") + "\r\nhello", want: []string{malformed}},
	{name: "length in hex", raw: head("Content-Length: 0x5") + "\r\nhello", want: []string{malformed}},
	{name: "length beyond 64 bits", raw: head("Content-Length: 18446744073709551621") + "\r\nhello", want: []string{malformed}},
	{name: "folded length", raw: head("Content-Length: 1\r\n 0") + "\r\n" + smuggled, want: []string{malformed}},
	{name: "folded signature", raw: strings.Replace(call(small), webhook.HeaderSignature+": ", webhook.HeaderSignature+": x\r\n ", 1), want: []string{misSigned}},
	{name: "folded chunked", raw: head("Transfer-Encoding:\r\n chunked") + "\r\n" + lastChunk + smuggled, want: []string{unsigned}},
	{name: "line feeds alone, signed", raw: strings.ReplaceAll(call(small), "\r\n", "\n"), want: []string{stored}, signed: true},
	{name: "line feeds alone in chunks", raw: head(sign(small), teChunked) + "\r\n" + strings.ReplaceAll(chunk(small)+lastChunk, "\r\n", "\n"), want: []string{incomplete}},
	{name: "carriage return in a line", raw: head("X-A: b\rContent-Length: 5") + "\r\n", want: []string{malformed}},
	{name: "zero byte in a line", raw: head("X-A: b\x00") + "\r\n", want: []string{malformed}},
	{name: "space before the colon", raw: head("Content-Length : 5") + "\r\nhello", want: []string{malformed}},
	{name: "chunked with a space before the colon", raw: head("Transfer-Encoding : chunked") + "\r\n" + lastChunk, want: []string{malformed}},
	{name: "line without a colon", raw: head("Transfer-Encoding chunked") + "\r\n" + lastChunk, want: []string{malformed}},
	{name: "space before the first line", raw: strings.Replace(head(), hostLine, " X: y\r\n"+hostLine, 1) + "\r\n", want: []string{malformed}},
	{name: "chunked in HTTP/1.0, signed", raw: strings.Replace(head(sign(small), teChunked), "/1.1", "/1.0", 1) + "\r\n" + chunk(small) + lastChunk, want: []string{misSigned}},
	{name: "chunked and a length in HTTP/1.0, signed", raw: strings.Replace(head(sign(small), teChunked, length(small)), "/1.1", "/1.0", 1) + "\r\n" + small, want: []string{stored}, signed: true},
	{name: "two codings", raw: head("Transfer-Encoding: gzip, chunked") + "\r\n" + lastChunk, want: []string{malformed}},
	{name: "chunked twice", raw: head(teChunked, teChunked) + "\r\n" + lastChunk, want: []string{malformed}},
	{name: "unknown coding", raw: head("Transfer-Encoding: xchunked") + "\r\n" + lastChunk, want: []string{malformed}},
	{name: "chunked with a control byte", raw: head("Transfer-Encoding: \x0bchunked") + "\r\n" + lastChunk, want: []string{malformed}},
	{name: "size of a chunk is no number", raw: head(sign(small), teChunked) + "\r\nzz\r\n" + small + "\r\n" + lastChunk, want: []string{incomplete}},
	{name: "size with 0x", raw: head(sign(small), teChunked) + "\r\n0x5\r\nhello\r\n" + lastChunk, want: []string{incomplete}},
	{name: "size below zero", raw: head(sign(small), teChunked) + "\r\n-5\r\nhello\r\n" + lastChunk, want: []string{incomplete}},
	{name: "size beyond 64 bits", raw: head(sign(small), teChunked) + "\r\n10000000000000005\r\nhello\r\n" + lastChunk, want: []string{incomplete}},
	{name: "chunk longer than its size", raw: head(sign(small), teChunked) + "\r\n4\r\nhello\r\n" + lastChunk + smuggled, want: []string{incomplete}},
	{name: "no last chunk", raw: head(sign(small), teChunked) + "\r\n" + chunk(small), want: []string{incomplete}},
	{name: "signature in the trailer", raw: head(teChunked, "Trailer: X-CIO-Signature") + "\r\n" + chunk(small) + "0\r\n" + sign(small) + "\r\n\r\n", want: []string{unsigned}},
	{name: "two signatures", raw: head(sign(small), sign("other"), length(small)) + "\r\n" + small, want: []string{misSigned}},
	{name: "body shorter than its length", raw: head(sign(small), "Content-Length: 500") + "\r\n" + small, want: []string{incomplete}},
	{name: "a call in the body of a refused one, then a signed one", raw: head(length(smuggled)) + "\r\n" + smuggled + call(small), want: []string{unsigned, stored}, signed: true},
	{name: "a refused path, then a signed call", raw: strings.Replace(smuggled, ingest.Path, "/other", 1) + call(small), want: []string{notFound, stored}, signed: true},
	{name: "a signed call twice", raw: call(small) + call(small), want: []string{stored, duplicate}, signed: true},
	{name: "a body over the cap, with a call in it", raw: head(sign(small), "Content-Length: 900000000") + "\r\n" + call(small), want: []string{`413 {"error":"Body too large"}`}},
	{name: "more of a refused body than is read, with a call in it", raw: head("Content-Length: 900000") + "\r\n" + strings.Repeat(call(small), 2000), want: []string{unsigned}},
	{name: "bad chunks of a refused call, with a call in them", raw: head(teChunked) + "\r\nzz\r\n" + call(small), want: []string{unsigned}},
}

func TestWhereARequestEnds(t *testing.T) {
	t.Parallel()
	exchangeAll(t, framings)
}

// exchangeAll sends each request to a listener of its own. The listener must give the
// expected answers, go on serving and publish signed requests only.
func exchangeAll(t *testing.T, list []rawRequest) {
	t.Helper()
	for _, tt := range list {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := serveOn(t, ingest.Config{})
			if diff := cmp.Diff(tt.want, l.exchange(t, tt.raw)); diff != "" {
				t.Errorf("answers (-want +got):\n%s", diff)
			}
			if tt.signed {
				l.lives(t, small)
			} else {
				l.lives(t)
			}
		})
	}
}

// Odd requests with a single meaning.
var requests = []rawRequest{
	{name: "no host", raw: strings.Replace(call(small), hostLine, "", 1), want: []string{malformed}},
	{name: "two hosts", raw: strings.Replace(call(small), hostLine, hostLine+hostLine, 1), want: []string{malformed}},
	{name: "no such version", raw: strings.Replace(call(small), "HTTP/1.1", "HTTP/3.0", 1), want: []string{malformed}},
	{name: "HTTP/2 at once", raw: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", want: []string{notFound}},
	{name: "HTTP/2 by upgrade", raw: strings.Replace(call(small), hostLine, hostLine+"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n", 1), want: []string{stored}, signed: true},
	{name: "whole URL, signed", raw: strings.Replace(call(small), ingest.Path, "http://elsewhere"+ingest.Path, 1), want: []string{stored}, signed: true},
	{name: "escaped workspace", raw: strings.Replace(call(small), ingest.Path, ingest.Path+"/%64efault", 1), want: []string{notFound}},
	{name: "two slashes", raw: strings.Replace(call(small), ingest.Path, "/"+ingest.Path, 1), want: []string{stored}, signed: true},
	{name: "slash at the end", raw: strings.Replace(call(small), ingest.Path, ingest.Path+"/", 1), want: []string{stored}, signed: true},
	{name: "slashes in the middle", raw: strings.Replace(call(small), ingest.Path, "/webhooks//customerio///default//", 1), want: []string{stored}, signed: true},
	{name: "slashes, unknown workspace", raw: strings.Replace(call(small), ingest.Path, ingest.Path+"/acme/", 1), want: []string{notFound}},
	{name: "slashes only", raw: strings.Replace(call(small), ingest.Path, "///", 1), want: []string{notFound}},
	{name: "dots", raw: strings.Replace(call(small), ingest.Path, ingest.Path+"/../customerio", 1), want: []string{notFound}},
	{name: "method in small letters", raw: strings.Replace(call(small), "POST", "post", 1), want: []string{badMethod}},
	{name: "CONNECT", raw: "CONNECT localhost:4222 HTTP/1.1\r\n" + hostLine + "\r\n", want: []string{notFound}},
	{name: "TRACE", raw: strings.Replace(call(small), "POST", "TRACE", 1), want: []string{badMethod}},
	{name: "no HTTP", raw: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", want: []string{malformed}},
	{name: "not one line", raw: "POST", want: []string{malformed}},
	{name: "nothing", raw: "", want: nil},
	{name: "body announced, unsigned", raw: head(length(small), "Expect: 100-continue") + "\r\n", want: []string{unsigned}},
	{name: "body announced, signed", raw: strings.Replace(call(small), hostLine, hostLine+"Expect: 100-continue\r\n", 1), want: []string{"100", stored}, signed: true},
	{name: "unknown expectation", raw: strings.Replace(call(small), hostLine, hostLine+"Expect: the-worst\r\n", 1), want: []string{malformed}},
	{name: "a header of 12 kB, signed", raw: strings.Replace(call(small), hostLine, hostLine+"X-A: "+strings.Repeat("a", 12<<10)+"\r\n", 1), want: []string{stored}, signed: true},
	{name: "a header of 40 kB", raw: strings.Replace(call(small), hostLine, hostLine+"X-A: "+strings.Repeat("a", 40<<10)+"\r\n", 1), want: []string{tooLong}},
	{name: "25 kB of headers, signed", raw: strings.Replace(call(small), hostLine, hostLine+strings.Repeat("X-A: "+strings.Repeat("a", 1000)+"\r\n", 25), 1), want: []string{tooLong}},
	{name: "PROXY protocol, version 1, signed", raw: "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n" + call(small), want: []string{proxied}},
	{name: "PROXY protocol, version 1, unknown", raw: "PROXY UNKNOWN\r\n" + call(small), want: []string{proxied}},
	{name: "PROXY protocol, version 2, signed", raw: "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\xdc\x04\x01\xbb" + call(small), want: []string{proxied}},
	{name: "PROXY protocol and a large body", raw: "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n" + call(strings.Repeat("x", 100<<10)), want: []string{proxied}},
	{name: "10,000 headers", raw: strings.Replace(call(small), hostLine, hostLine+strings.Repeat("X-A: a\r\n", 10_000), 1), want: []string{tooLong}},
	{name: "a first line without end", raw: "POST /" + strings.Repeat("a", 1<<20), want: []string{tooLong}},
}

func TestOddRequests(t *testing.T) {
	t.Parallel()
	exchangeAll(t, requests)
}
