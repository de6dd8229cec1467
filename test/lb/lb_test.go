package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

const configs = "../../deploy/loadbalancers"

// The configuration of each load balancer has the addresses and folders that the test
// replaces.
func TestAdapt(t *testing.T) {
	t.Parallel()
	s := site{dir: "/somewhere", addr: "127.0.0.1:1", ingests: [ingests]string{"127.0.0.11:2", "127.0.0.12:3"}}
	for _, b := range balancers {
		text, err := os.ReadFile(filepath.Join(configs, b.file))
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.adapt(string(text), s)
		if err != nil {
			t.Error(err)
		}
		if !strings.Contains(got, s.ingests[0]) || !strings.Contains(got, s.ingests[1]) || strings.Contains(got, "10.0.0.") {
			t.Errorf("%s: addresses of ingest are not replaced:\n%s", b.name, got)
		}
		if _, err := b.adapt("", s); err == nil {
			t.Errorf("%s: an empty configuration is accepted", b.name)
		}
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status     int
		body, want string
	}{
		{200, `{"status":"stored"}`, accepted},
		{200, "ok", "200 of another program"},
		{503, `{"error":"Shutting down"}`, ours},
		{503, "<html>", balancers503},
		{502, "", "502"},
		{401, `{"error":"Invalid signature"}`, "401"},
	} {
		if got := classify(c.status, []byte(c.body)); got != c.want {
			t.Errorf("%d %q is %q, want %q", c.status, c.body, got, c.want)
		}
	}
}

// An enlarged event is the same event.
func TestEnlarge(t *testing.T) {
	t.Parallel()
	for body := range (webhooktest.Campaign{Deliveries: 1}).Events() {
		large := enlarge(body, largeBody)
		e, err := webhook.ParseEnvelope(large)
		if err != nil || e.EventID != eventID(body) || len(large) < len(body)+largeBody {
			t.Errorf("event %s of %d bytes, error %v, want %s and more than %d bytes", e.EventID, len(large), err, eventID(body), largeBody)
		}
	}
}

// Every promise is checked: each change of a good result breaks a promise.
func TestBroken(t *testing.T) {
	t.Parallel()
	good := func() result {
		return result{orderly: true, answers: map[string]int{accepted: 9, ours: 1}, served: [ingests]int{5, 5}}
	}
	if r := good(); r.broken() != nil {
		t.Fatalf("a good result: %v", r.broken())
	}
	for name, change := range map[string]func(*result){
		"502":             func(r *result) { r.answers["502"] = 1 },
		"broken off":      func(r *result) { r.answers[brokenOff] = 1 },
		"unanswered":      func(r *result) { r.answers[unanswered] = 1 },
		"of the balancer": func(r *result) { r.answers[balancers503] = 1 },
		"none accepted":   func(r *result) { delete(r.answers, accepted) },
		"abandoned":       func(r *result) { r.abandoned = 1 },
		"lost":            func(r *result) { r.lost = 1 },
		"doubled":         func(r *result) { r.doubled = 1 },
		"one unused":      func(r *result) { r.served[1] = 0 },
	} {
		r := good()
		change(&r)
		if r.broken() == nil {
			t.Errorf("%s: broken() returns nil", name)
		}
	}
	r := good()
	if r.orderly, r.answers[balancers503] = false, 1; r.broken() != nil {
		t.Errorf("a load balancer may answer 503 after a crash: %v", r.broken())
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	table(&b, []result{{
		balancer: "nginx", scenario: "kill", answers: map[string]int{accepted: 9, "502": 3},
		slowest: 1500 * time.Millisecond, longestStop: time.Second, served: [ingests]int{1, 1},
	}})
	if want := "nginx     kill      9    0              0                502: 3         0       1.5s     1s    0     0        NO\n"; !strings.Contains(b.String(), want) {
		t.Errorf("table is\n%swant a line\n%s", b.String(), want)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	cfg, err := parse([]string{"--balancers", "caddy,nginx", "--scenarios", "kill"})
	if err != nil || len(cfg.balancers) != 2 || cfg.balancers[0].name != "caddy" || len(cfg.scenarios) != 1 {
		t.Errorf("configuration %+v, error %v", cfg, err)
	}
	for _, args := range [][]string{{"--balancers", "apache"}, {"--scenarios", "x"}, {"--rounds", "0"}} {
		if err := run(context.Background(), args); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}
