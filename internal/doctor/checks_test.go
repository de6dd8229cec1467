package doctor_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/doctor"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// connect returns a Broker of the server, as the user with the user's name as password.
func connect(t *testing.T, srv *streamtest.Server, user string) *doctor.Broker {
	t.Helper()
	url := srv.URL()
	if user != "" {
		url = strings.Replace(url, "nats://", "nats://"+user+":"+user+"@", 1)
	}
	b := doctor.Connect(t.Context(), stream.Config{URL: url, Log: zerolog.Nop()})
	t.Cleanup(b.Close)
	return b
}

// found runs checks and returns their findings as lines: "nats connection: ok detail →
// remedy".
func found(t *testing.T, checks []doctor.Check) string {
	t.Helper()
	var lines strings.Builder
	doctor.Run(t.Context(), checks, func(f doctor.Finding) {
		fmt.Fprintf(&lines, "%s %s: %s %s → %s\n", f.Group, f.Check, f.State, f.Detail, f.Remedy)
	})
	return lines.String()
}

// shows reports each line that is missing in the findings.
func shows(t *testing.T, findings string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(findings, w) {
			t.Errorf("no %q in\n%s", w, findings)
		}
	}
}

// The clock of this machine is an input: nobody turns the clock of NATS or Customer.io.
func TestClock(t *testing.T) {
	t.Parallel()
	customerio := httptest.NewServer(http.NotFoundHandler())
	defer customerio.Close()
	srv := streamtest.Start(t)
	srv.Connect(stream.Settings{})
	b := connect(t, srv, "")
	const remedy = "→ synchronize the clocks by NTP, here and there (timedatectl, chronyc tracking): ingest refuses a call that is stamped 24h0m0s ahead of its clock"
	for off, want := range map[time.Duration]string{
		0:                 "ok less than a second between this machine and %s → ",
		-time.Minute:      "warn this machine is 1m0s behind %s " + remedy,
		10 * time.Minute:  "fail this machine is 10m0s ahead of %s " + remedy,
		-10 * time.Minute: "fail this machine is 10m0s behind %s " + remedy,
	} {
		o := doctor.ClockOrder{
			Now:     func() time.Time { return time.Now().Add(off) },
			Address: func() (string, error) { return customerio.URL, nil },
		}
		got := found(t, doctor.ClockChecks(b, o))
		shows(t, got, "clock NATS: "+fmt.Sprintf(want, "NATS"), "clock Customer.io: "+fmt.Sprintf(want, "Customer.io"))
	}
}

// Without NATS and Customer.io the findings name both, and come in time.
func TestNothingAnswers(t *testing.T) {
	t.Parallel()
	b := doctor.Connect(t.Context(), stream.Config{URL: "nats://user:hunter2@127.0.0.1:1", Log: zerolog.Nop()})
	defer b.Close()
	o := doctor.ClockOrder{Now: time.Now, Address: func() (string, error) { return "http://127.0.0.1:1", nil }}
	got := found(t, append(doctor.NATSChecks(b), doctor.ClockChecks(b, o)...))
	shows(
		t, got,
		"nats connection: fail no connection to nats://127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused → check that NATS runs",
		"nats permissions: skip NATS is not connected", "nats replicas: skip", "clock NATS: skip",
		"clock Customer.io: warn no answer of http://127.0.0.1:1: ",
	)
	if strings.Contains(got, "hunter2") {
		t.Errorf("a password is shown:\n%s", got)
	}
}

// The kind of fault: a user lacks a permission, and the program fails at its first use.
func TestPermissions(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../deploy/k8s/base/nats/accounts.conf")
	if err != nil {
		t.Fatal(err)
	}
	accounts := strings.NewReplacer("$NATS_INGEST_PASSWORD", "ingest", "$NATS_WORKER_PASSWORD", "worker", "$NATS_OPERATOR_PASSWORD", "operator").Replace(string(text))
	srv := streamtest.Start(t, streamtest.Configured(t, accounts))
	shows(
		t, found(t, doctor.NATSChecks(connect(t, srv, "operator"))),
		"nats connection: ok 127.0.0.1:", "nats-server 2.", ", without TLS → ",
		"nats permissions: ok user operator may do the work of the operator: 35 tried",
		"nats account: ok 0 B stored, 0 streams, 0 consumers", "nats replicas: ok",
	)
	shows(
		t, found(t, doctor.NATSChecks(connect(t, srv, "worker"))),
		"nats permissions: ok user worker may do the work of the worker: 19 tried", "nats account: skip the worker's user may not ask: run cioctl doctor with an operator's user",
	)
	shows(t, found(t, doctor.NATSChecks(connect(t, srv, "stranger"))), "nats connection: fail", "→ NATS refuses the user: check the user and password in NATS_URL")

	srv = streamtest.Start(t, streamtest.Configured(t, strings.Replace(accounts, `"$JS.API.CONSUMER.RESET.CUSTOMERIO.*"`, "", 1)))
	shows(
		t, found(t, doctor.NATSChecks(connect(t, srv, "worker"))),
		"nats permissions: fail user worker, with the work of the worker, may not publish $JS.API.CONSUMER.RESET.CUSTOMERIO.* → "+
			"add the permission to the user, as in deploy/k8s/base/nats/accounts.conf, and reload NATS",
	)
}

// The kind of fault: one cause in many findings. Without a permission NATS does not answer,
// which says nothing about the streams and the consumers. No check waits for the answer.
func TestOneMissingPermission(t *testing.T) {
	t.Parallel()
	accounts := func(user, denied string) string {
		return fmt.Sprintf(`accounts { A { jetstream: enabled, users: [
			{user: o, password: o},
			{user: operator, password: operator, permissions: {publish: {deny: [%[2]q]}}},
			{user: %[1]s-only, password: %[1]s-only, permissions: {publish: {deny: [%[2]q]}, subscribe: ["_INBOX_%[1]s.>"]}}] } }`, user, denied)
	}
	for _, c := range []struct{ user, denied string }{
		{"worker", "$JS.API.STREAM.INFO.CUSTOMERIO"},
		{"worker", "$JS.API.CONSUMER.LIST.CUSTOMERIO"},
		{"worker", "$JS.API.STREAM.MSG.GET.KV_CIOEVENTS_STATE"},
		{"ingest", "$JS.API.STREAM.INFO.CUSTOMERIO"},
		{"ingest", "customerio.events.>"},
		{"operator", "$JS.API.STREAM.INFO.CUSTOMERIO_DEAD"},
		{"operator", "$JS.API.INFO"},
	} {
		t.Run(c.user+" "+c.denied, func(t *testing.T) {
			t.Parallel()
			srv := streamtest.Start(t, streamtest.Configured(t, accounts(c.user, c.denied)))
			owner, err := stream.Connect(stream.Config{URL: strings.Replace(srv.URL(), "nats://", "nats://o:o@", 1), Log: zerolog.Nop()})
			if err != nil {
				t.Fatal(err)
			}
			defer owner.Close()
			if _, err := owner.Ensure(t.Context(), stream.Settings{}); err != nil {
				t.Fatal(err)
			}
			name := c.user
			if name != "operator" {
				name += "-only"
			}
			b := connect(t, srv, name)
			start := time.Now()
			got := found(t, slices.Concat(doctor.NATSChecks(b), doctor.StreamChecks(b), doctor.WorkChecks(b, time.Now)))
			shows(t, got, "nats permissions: fail user "+name+", with the work of the "+c.user+", may not publish "+c.denied+" → ")
			others := strings.ReplaceAll(got, "fail there is no consumer", "")
			if strings.Count(others, ": fail") != 1 || strings.Contains(got, ": warn") || time.Since(start) > 4*time.Second {
				t.Errorf("after %v:\n%s", time.Since(start), got)
			}
		})
	}
}

// A program is checked where its own settings are, and with all mistakes at once.
func TestConfigChecks(t *testing.T) {
	t.Parallel()
	mistakes := errors.Join(errors.New("A: is required"), errors.New("invalid B"))
	got := found(t, doctor.ConfigChecks([]doctor.Program{
		{Name: "elsewhere", Example: "C", Mistakes: mistakes},
		{Name: "ingest", Given: true, Mistakes: mistakes},
		{Name: "worker", Given: true},
	}, map[string]string{"SERCET": "SECRET"}))
	shows(
		t, got, "config elsewhere: skip nothing of this program is set here, such as C: ",
		"config ingest: fail A: is required → correct the setting: ingest ends with", "config ingest: fail invalid B → ", "config worker: ok the settings are valid",
		"config names: warn SERCET is no setting, so it has no effect → did you mean SECRET?",
	)
	shows(t, found(t, doctor.ConfigChecks(nil, nil)), "config names: ok ")
}

// A run ends in time although nothing ends the wait for an answer.
func TestBlackHoles(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes 5 s")
	}
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer silent.Close()
	b := doctor.Connect(t.Context(), stream.Config{URL: strings.Replace(silent.URL, "http", "nats", 1), Log: zerolog.Nop()})
	defer b.Close()
	o := doctor.ClockOrder{Now: time.Now, Address: func() (string, error) { return silent.URL, nil }}
	start := time.Now()
	got := found(t, append(doctor.NATSChecks(b), doctor.ClockChecks(b, o)...))
	shows(t, got, "nats connection: fail no connection to ", "clock Customer.io: warn no answer of "+silent.URL)
	if took := time.Since(start); took > 9*time.Second {
		t.Errorf("took %v", took)
	}
}
