package stream_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/natsserver"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// deployed returns the users in deploy/, with their names as passwords. Without a subject,
// the user lacks the permission.
func deployed(t *testing.T, without string) streamtest.Option {
	t.Helper()
	text, err := os.ReadFile("../../deploy/k8s/base/nats/accounts.conf")
	if err != nil {
		t.Fatal(err)
	}
	users := strings.NewReplacer("$NATS_INGEST_PASSWORD", "ingest", "$NATS_WORKER_PASSWORD", "worker", "$NATS_OPERATOR_PASSWORD", "operator",
		`"`+without+`"`, `"nothing"`).Replace(string(text))
	return withConfig(t, users)
}

func access(t *testing.T, srv *streamtest.Server, user string) *stream.Access {
	t.Helper()
	url := strings.Replace(srv.URL(), "nats://", "nats://"+user+":"+user+"@", 1)
	a, err := stream.TryAccess(t.Context(), stream.Config{URL: url, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Each user may do its work and is recognized, and no try leaves a trace.
func TestAccessOfTheUsers(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t, deployed(t, "none"))
	operator, err := stream.Connect(stream.Config{URL: strings.Replace(srv.URL(), "nats://", "nats://operator:operator@", 1), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer operator.Close()
	if _, err := operator.Ensure(t.Context(), stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	if _, err := operator.CreateState(t.Context(), stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	if err := operator.State().Put(t.Context(), "key", nil); err != nil {
		t.Fatal(err)
	}
	before, err := operator.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for user, prefix := range map[string]string{"operator": "", "worker": "_INBOX_worker", "ingest": "_INBOX_ingest"} {
		a := access(t, srv, user)
		if a.Role != user || a.User != user || a.Inbox != prefix || len(a.Missing) > 0 || a.Tried < 4 || !a.Local || a.Encrypted || a.Version == "" {
			t.Errorf("%s: %+v", user, a)
		}
	}
	after, err := operator.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the tries left a trace:\n%s", diff)
	}
	if keys, err := operator.State().Keys(t.Context(), ""); err != nil || len(keys) > 1 {
		t.Errorf("the tries left a trace in the bucket: %v, %v", keys, err)
	}
}

// The kind of fault: a user lacks one permission, and the program fails at its first use.
func TestAccessNamesEachMissingPermission(t *testing.T) {
	t.Parallel()
	users := map[string][]string{}
	o := natsserver.Options{}
	deployed(t, "none")(&o)
	for _, u := range o.Users {
		if u.Permissions != nil {
			users[u.Username] = u.Permissions.Publish.Allow
		}
	}
	if len(users) != 2 {
		t.Fatalf("accounts.conf limits the users %v, want ingest and worker", users)
	}
	subjects := slices.Concat(users["ingest"], users["worker"])
	slices.Sort(subjects)
	for _, subject := range slices.Compact(subjects) {
		srv := streamtest.Start(t, deployed(t, subject))
		for user, needs := range users {
			var want []string
			if slices.Contains(needs, subject) {
				want = []string{"publish " + subject}
			}
			if diff := cmp.Diff(want, access(t, srv, user).Missing); diff != "" {
				t.Errorf("%s without %s (-want +got):\n%s", user, subject, diff)
			}
		}
		srv.Stop()
	}
	srv := streamtest.Start(t, deployed(t, "_INBOX_ingest.>"))
	if a := access(t, srv, "ingest"); a.Role != "" || !slices.Contains(a.Missing, "subscribe _INBOX_ingest.>") {
		t.Errorf("without an inbox: %+v", a)
	}
}

// The error of a connection says what to do.
func TestConnectRemedy(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t, deployed(t, "none"))
	for url, want := range map[string]string{
		strings.Replace(srv.URL(), "nats://", "nats://worker:wrong@", 1): "check the user and password in NATS_URL",
		strings.Replace(srv.URL(), "nats://", "tls://worker:worker@", 1): "check NATS_TLS_CA",
		"nats://127.0.0.1:1": "check that NATS runs",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := stream.TryAccess(ctx, stream.Config{URL: url, Log: zerolog.Nop()})
		cancel()
		if err == nil || !strings.Contains(stream.ConnectRemedy(err), want) {
			t.Errorf("%v: remedy %q, want %q", err, stream.ConnectRemedy(err), want)
		}
	}
	cfg := stream.Config{URL: srv.URL(), TLSCA: filepath.Join(t.TempDir(), "none.pem"), Log: zerolog.Nop()}
	if _, err := stream.TryAccess(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "NATS_TLS_CA") {
		t.Errorf("no file: %v", err)
	}
}
