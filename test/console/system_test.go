package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
)

// cioctl is the path of the program, which TestMain builds.
var cioctl string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "console")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	cioctl = filepath.Join(dir, "cioctl")
	build := exec.Command("go", "build", "-o", cioctl, "./cmd/cioctl")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("build cioctl: %v\n%s", err, out))
	}
	return m.Run()
}

// A system is a running "cioctl dev".
type system struct {
	*testing.T
	data              string
	page, hooks, nats string
	others            []string // the other addresses that speak HTTP
}

// startSystem runs "cioctl dev" until the end of the test.
func startSystem(t *testing.T) *system {
	t.Helper()
	ports := freePorts(t, 6)
	s := &system{T: t, data: t.TempDir(), page: "http://" + ports[0], hooks: "http://" + ports[1] + "/webhooks/customerio", nats: "nats://" + ports[4]}
	s.others = []string{ports[1], ports[2], ports[3], ports[5]}
	start(t, []string{"SUPPRESSION_LIMIT=1", "PRIVACY_KEY=0123456789abcdef0123456789abcdef"}, "dev", "--data", s.data, "--console-addr", ports[0], "--ingest-addr", ports[1],
		"--admin-addr", ports[2], "--worker-admin-addr", ports[3], "--nats-url", s.nats, "--fake-track-addr", ports[5])
	await(t, 20*time.Second, "the console answers", func() error { return answers(s.page + "/healthz") })
	return s
}

// start runs cioctl until the end of the test, which interrupts it.
func start(t *testing.T, env []string, args ...string) {
	t.Helper()
	cmd := exec.Command(cioctl, args...)
	cmd.Env = append(os.Environ(), env...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("cioctl %s: %v", args[0], err)
		}
		if t.Failed() {
			t.Logf("log of cioctl %s:\n%s", args[0], log.String())
		}
	})
}

// freePorts returns addresses on which nobody listens.
func freePorts(t *testing.T, n int) (list []string) {
	t.Helper()
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		list = append(list, ln.Addr().String())
	}
	return list
}

// await polls until ready returns nil.
func await(t *testing.T, limit time.Duration, what string, ready func() error) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); ; <-tick.C {
		err := ready()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not after %s: %s: %v", limit, what, err)
		}
	}
}

func answers(url string) error {
	res, err := http.Get(url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	return nil
}

// send runs "cioctl send" with the arguments.
func (s *system) send(stdin string, args ...string) {
	s.Helper()
	cmd := exec.Command(cioctl, append([]string{"send", "--url", s.hooks}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.Fatalf("send %v: %v\n%s", args, err, out)
	}
}

// rows returns the number of rows of the warehouse with the event id.
func (s *system) rows(id string) int {
	s.Helper()
	out, err := exec.Command(cioctl, "query", "--output", "json", "--warehouse-url", "duckdb:"+s.data+"/customerio.duckdb",
		"SELECT count(*) AS n FROM customerio_events WHERE event_id = '"+id+"'").Output()
	if err != nil {
		s.Fatal(err)
	}
	var list []struct{ N int }
	if err := json.Unmarshal(out, &list); err != nil || len(list) != 1 {
		s.Fatalf("%v:\n%s", err, out)
	}
	return list[0].N
}

// storeDead stores a dead letter of the warehouse's consumer, which a redrive handles.
func (s *system) storeDead(id string) {
	s.Helper()
	conn, err := stream.Connect(stream.Config{URL: s.nats, Name: "test"})
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(s.Context(), 5*time.Second)
	defer cancel()
	if err := conn.WaitConnected(ctx); err != nil {
		s.Fatal(err)
	}
	pub, err := stream.NewPublisher(conn, 0)
	if err != nil {
		s.Fatal(err)
	}
	defer pub.Close()
	d := event.DeadLetter{
		Message: event.Message{Workspace: "default", ReceivedAt: time.Now(), Body: fmt.Appendf(nil, `{"event_id":%q,"object_type":"email","metric":"sent","timestamp":%d}`, id, time.Now().Unix())},
		From:    "warehouse", Consumer: "warehouse", Reason: fault.ReasonRejectedRow, Err: "no such column", Attempts: 5, Sequence: 1,
		StoredAt: time.Now(), DiedAt: time.Now(), Subject: "customerio.events.default.email.sent",
	}
	if err := d.Index(); err != nil {
		s.Fatal(err)
	}
	if err := pub.StoreDeadLetter(ctx, &d); err != nil {
		s.Fatal(err)
	}
}
