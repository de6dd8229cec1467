package integration_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/natsserver"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
	"github.com/cioevents/cioevents/test/lab"
)

// secret is part of every secret of these tests.
const secret = "s3cr3t"

// A leak is a situation in which a program could print a secret.
type leak struct {
	program string
	args    []string
	env     map[string]string
	// says is part of the program's output. The text proves that the program has reached
	// the situation.
	says string
	// calls sends a signed webhook call to the program.
	calls bool
}

// A failing program prints no secret.
func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	programs := buildPrograms(t)
	nats := natsWithPassword(t)
	tell := repeatingAPI(t)
	noServer := map[string]string{"NATS_URL": "nats://worker:" + secret + "@127.0.0.1:1"}
	track := func(url, proxy string) map[string]string {
		return map[string]string{
			"NATS_URL": natsWithPassword(t), "WORKER_CONSUMERS": "suppression", // Each worker needs a stream with the event.
			"CUSTOMERIO_TRACK_URL": url, "HTTP_PROXY": proxy,
		}
	}
	for name, l := range map[string]leak{
		"misspelt flag":          {program: "ingest", args: []string{"--customerio-webhook-secrt=" + secret}, says: "customerio-webhook-secrt"},
		"flag with one dash":     {program: "ingest", args: []string{"-customerio-webhook-secret=" + secret}, says: "unknown flag -c"},
		"flag of cioctl":         {program: "cioctl", args: []string{"verify", "-customerio-webhook-secret=" + secret}, says: "unknown flag -c"},
		"stray argument":         {program: "worker", args: []string{secret}, says: "want settings as --name=value"},
		"odd address of NATS":    {program: "ingest", env: map[string]string{"NATS_URL": "nats://u:" + secret + "%zz@127.0.0.1:4222"}, says: "NATS_URL"},
		"NATS away":              {program: "ingest", env: noServer, says: "NATS unreachable"},
		"NATS away from worker":  {program: "worker", env: noServer, says: "NATS unreachable"},
		"NATS away from cioctl":  {program: "cioctl", args: []string{"status"}, env: noServer, says: "does not answer"},
		"wrong password of NATS": {program: "ingest", env: map[string]string{"NATS_URL": strings.Replace(nats, ":"+secret, ":wrong-"+secret, 1)}, says: "Authorization Violation"},
		"odd credentials":        {program: "ingest", env: map[string]string{"NATS_CREDS": file(t, secret)}, says: "NATS unreachable"},
		"odd key of TLS":         {program: "ingest", env: map[string]string{"TLS_CERT_FILE": file(t, secret), "TLS_KEY_FILE": file(t, secret)}, says: "TLS_CERT_FILE"},
		"missing file of a secret": {program: "worker", env: map[string]string{
			"CUSTOMERIO_TRACK_API_KEY": "", "CUSTOMERIO_TRACK_API_KEY_FILE": "/nowhere",
		}, says: "/nowhere"},
		"collector away": {
			program: "ingest", env: map[string]string{
				"NATS_URL": nats, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://u:" + secret + "@127.0.0.1:1", "OTEL_EXPORTER_OTLP_HEADERS": "authorization=" + secret,
			},
			calls: true, says: "span",
		},
		"odd headers for the collector": {program: "ingest", env: map[string]string{
			"NATS_URL": nats, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_HEADERS": "authorization=" + secret + "%zz",
		}, says: "OTEL_EXPORTER_OTLP_HEADERS"},
		"bad signature":              {program: "cioctl", args: []string{"verify", "--signature=" + strings.Repeat("a", 64)}, says: "not signed"},
		"call to nobody":             {program: "cioctl", args: []string{"send", "--url=http://127.0.0.1:1/webhooks/customerio"}, says: "refused"},
		"API repeats a 400":          {program: "worker", env: track(tell.URL+"/400", ""), says: "rejected"},
		"API repeats a 401":          {program: "worker", env: track(tell.URL+"/401", ""), says: "not accepted"},
		"API repeats a 500":          {program: "worker", env: track(tell.URL+"/500", ""), says: "status 500"},
		"proxy away":                 {program: "worker", env: track("http://api.invalid", "http://u:"+secret+"@127.0.0.1:1"), says: "refused"},
		"API away":                   {program: "worker", env: track("http://u:"+secret+"@127.0.0.1:1", ""), says: "refused"},
		"odd address of API":         {program: "worker", env: track("http://u:"+secret+"%zz@127.0.0.1:1", ""), says: "want an http or https address"},
		"odd address of a warehouse": {program: "worker", env: map[string]string{"WAREHOUSE_URL": "postgres://u:" + secret + "@x/y"}, says: "WAREHOUSE_URL"},
		"odd address of dev":         {program: "cioctl", args: []string{"dev", "--nats-url=:" + secret + "@x"}, says: "NATS_URL"},
		"odd address of a receiver":  {program: "cioctl", args: []string{"send", "--url=ftp://u:" + secret + "@x"}, says: "invalid --url"},
		"odd address for traces":     {program: "ingest", env: map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "ftp://u:" + secret + "@x"}, says: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"},
		"receiver away":              {program: "cioctl", args: []string{"send", "--url=http://u:" + secret + "@127.0.0.1:1/x"}, says: "refused"},
		"receiver of alerts away": {program: "cioctl", args: []string{"alerts", "test"}, env: map[string]string{
			"ALERT_WEBHOOK_URL": "http://u:" + secret + "@127.0.0.1:1/" + secret,
		}, says: "refused"},
		"odd address for alerts": {program: "worker", env: map[string]string{"ALERT_WEBHOOK_URL": "ftp://x/" + secret}, says: "ALERT_WEBHOOK_URL"},
		"odd secret for alerts": {program: "worker", env: map[string]string{
			"ALERT_WEBHOOK_URL": "https://x/" + secret, "ALERT_FORMAT": "standard-webhooks", "ALERT_SECRET": secret,
		}, says: "ALERT_SECRET"},
		"odd key of BigQuery": {program: "worker", env: map[string]string{
			"NATS_URL": nats, "WORKER_CONSUMERS": "warehouse", "WAREHOUSE_URL": "bigquery://project/dataset",
			"GOOGLE_APPLICATION_CREDENTIALS": file(t, `{"type":"service_account","client_email":"a@b","private_key":"`+secret+`","private_key_id":"x","token_uri":"http://127.0.0.1:1"}`),
		}, says: "igquery"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l.check(t, programs)
		})
	}
}

func (l leak) check(t *testing.T, programs string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(programs, l.program), l.args...)
	cmd.Dir = t.TempDir()
	env := map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": cmd.Dir, "LOG_LEVEL": "debug", "LOG_FORMAT": "json", "INGEST_ADDR": "127.0.0.1:0", "ADMIN_ADDR": "127.0.0.1:0",
		"DRAIN_DELAY": "0", "CUSTOMERIO_WEBHOOK_SECRET": secret + "-signing", "CUSTOMERIO_SITE_ID": "site", "CUSTOMERIO_TRACK_API_KEY": secret + "-key",
	}
	maps.Copy(env, l.env)
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out := &printed{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // Most programs fail on purpose.
		close(ended)
	}()
	out.await(ended, func(text string) bool {
		if l.calls {
			l.call(text)
		}
		return strings.Contains(text, l.says)
	})
	admin := address(out.text(), "admin")
	text := out.text() + get(admin+"/metrics") + get(admin+"/readyz")
	_ = cmd.Process.Signal(os.Interrupt)
	<-ended
	text += out.text()
	if !strings.Contains(text, l.says) {
		t.Errorf("the output lacks %q, so the program has not reached the situation:\n%s", l.says, text)
	}
	encoded := base64.StdEncoding.EncodeToString([]byte("site:" + secret + "-key"))
	for _, s := range []string{secret, encoded, encoded[4:20]} {
		if strings.Contains(text, s) {
			t.Errorf("the program prints a secret:\n%s", text)
			return
		}
	}
}

// call sends a signed event to the ingest with this output.
func (l leak) call(text string) {
	addr := address(text, "addr")
	body := webhooktest.Get("email_opened_human")
	req, err := webhooktest.NewRequest(context.Background(), addr+"/webhooks/customerio", secret+"-signing", time.Now(), body)
	if addr == "" || err != nil {
		return // Ingest does not listen yet.
	}
	if res, err := http.DefaultClient.Do(req); err == nil {
		res.Body.Close()
	}
}

var listens = regexp.MustCompile(`"(\w+)":"(127\.0\.0\.1:\d+)"`)

// address returns the address on which a program listens, from its output.
func address(text, what string) string {
	for _, m := range listens.FindAllStringSubmatch(text, -1) {
		if m[1] == what {
			return "http://" + m[2]
		}
	}
	return ""
}

func get(url string) string {
	res, err := http.Get(url)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return string(b)
}

// printed collects the output of a program.
type printed struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.Write(b)
}

func (p *printed) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.String()
}

// await waits until ok accepts the text or the program ends, 30 s at most.
func (p *printed) await(ended <-chan struct{}, ok func(string) bool) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(30 * time.Second); !ok(p.text()); {
		select {
		case <-tick.C:
		case <-ended:
			return
		case <-late:
			return
		}
	}
}

// natsWithPassword starts a server whose stream contains a hard bounce, and returns the
// URL with the password.
func natsWithPassword(t *testing.T) string {
	t.Helper()
	nats := streamtest.Start(t, func(o *natsserver.Options) { o.Username, o.Password = "worker", secret })
	client, err := lab.Connect(t.Context(), nats.URL(), stream.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	m := &event.Message{Workspace: "default", ID: "bounce", ObjectType: "email", Metric: "bounced", ReceivedAt: time.Now(), Body: webhooktest.Get("email_bounced_hard")}
	if _, err := client.JetStream.PublishMsg(t.Context(), stream.NewMessage(m)); err != nil {
		t.Fatal(err)
	}
	return nats.URL()
}

// repeatingAPI starts an API that answers with the status in its path and repeats the
// headers of the call, as verbose proxies do.
func repeatingAPI(t *testing.T) *httptest.Server {
	t.Helper()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &status)
		_, key, _ := r.BasicAuth()
		w.WriteHeader(status)
		fmt.Fprintf(w, "You sent %q with %s", r.Header["Authorization"], key)
	}))
	t.Cleanup(api.Close)
	return api
}

// file returns the path of a file with the content.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
