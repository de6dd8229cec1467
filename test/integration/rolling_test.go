package integration_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/natsserver"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/test/lab"
)

// rotations is how often TestNATSRestartsOneByOne restarts each server.
const rotations = 1

// While the servers of a cluster restart one after the other in lame duck mode, every
// call is answered 200, and every event is stored once.
func TestNATSRestartsOneByOne(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t)
	p := &pipeline{t: t}
	p.connect(strings.Join([]string{cluster[0].URL(), cluster[1].URL(), cluster[2].URL()}, ","), stream.Settings{Replicas: 3})
	p.startIngest()
	ctx, stop := context.WithCancel(t.Context())
	var sent calls
	var sending sync.WaitGroup
	sending.Go(func() { sent.send(ctx, p.url, 300) })
	for range rotations {
		for _, s := range cluster {
			s.LameDuck()
			s.Restart()
			p.wait("the restarted server is healthy", time.Minute, s.Health)
		}
	}
	stop()
	sending.Wait()
	t.Logf("answers: %v, slowest %v", sent.answers, sent.slowest)
	if n := sent.answers[`200 {"status":"stored"}`]; n != sent.n || n < 300 {
		t.Errorf("of %d calls %d were answered stored: %v", sent.n, n, sent.answers)
	}
	status, err := p.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := status.Stream.Messages; n != uint64(sent.n) {
		t.Errorf("the stream has %d messages of %d events", n, sent.n)
	}
}

// startCluster starts three servers. Lame duck mode is as short as the servers permit.
func startCluster(t *testing.T) []*streamtest.Server {
	t.Helper()
	var routes []string
	ports := [3]int{lab.FreePort(), lab.FreePort(), lab.FreePort()}
	for _, port := range ports {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", port))
	}
	var cluster []*streamtest.Server
	for i, port := range ports {
		cluster = append(cluster, streamtest.Start(t, func(o *natsserver.Options) {
			o.ServerName = fmt.Sprintf("n%d", i+1)
			o.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: port, NoAdvertise: true}
			o.Routes = server.RoutesFromStr(strings.Join(routes, ","))
			o.LameDuckGracePeriod, o.LameDuckDuration = 200*time.Millisecond, 600*time.Millisecond
		}))
	}
	return cluster
}

// calls counts answers.
type calls struct {
	n       int
	mu      sync.Mutex
	answers map[string]int
	slowest time.Duration
}

// send sends events at a rate a second until ctx ends, and waits for the answers.
func (c *calls) send(ctx context.Context, url string, rate int) {
	c.answers = map[string]int{}
	transport := &http.Transport{MaxIdleConnsPerHost: 1000}
	defer transport.CloseIdleConnections()
	var waiting sync.WaitGroup
	defer waiting.Wait()
	begin := time.Now()
	for lab.Pause(ctx, time.Until(begin.Add(time.Duration(c.n)*time.Second/time.Duration(rate)))) {
		body := numbered(c.n)
		c.n++
		waiting.Go(func() { c.post(transport, url, body) })
	}
}

func (c *calls) post(transport http.RoundTripper, url string, body []byte) {
	answer := "no answer"
	begin := time.Now()
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err == nil {
		webhook.SignRequest(req.Header, lab.SigningKey, time.Now(), body)
		var res *http.Response
		if res, err = transport.RoundTrip(req); err == nil {
			var text bytes.Buffer
			_, _ = text.ReadFrom(res.Body)
			_ = res.Body.Close()
			answer = fmt.Sprint(res.StatusCode, " ", text.String())
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[answer]++
	c.slowest = max(c.slowest, time.Since(begin))
}
