package webhook_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

func TestStrip(t *testing.T) {
	t.Parallel()
	both := []string{"content", "headers"}
	tests := []struct {
		name, body, want string
		fields           []string
	}{
		{
			"nested",
			`{ "data": {"content":"<p>\"}","a":1.0, "headers" : {"X":["y"]} }, "metric":"sent"}`,
			`{ "data": {"content":null,"a":1.0, "headers" : null }, "metric":"sent"}`,
			both,
		},
		{"flat", `{"headers":{},"content":"c"}`, `{"headers":null,"content":null}`, both},
		{"content only", `{"data":{"content":"c"}}`, `{"data":{"content":null}}`, []string{"content"}},
		{"headers only", `{"data":{"headers":[1]}}`, `{"data":{"headers":null}}`, []string{"headers"}},
		{"equal keys", `{"content":1,"content":2}`, `{"content":null,"content":null}`, []string{"content"}},
		{"escaped keys", `{"d\u0061ta":{"\u0063ontent":"c"}}`, `{"d\u0061ta":{"\u0063ontent":null}}`, []string{"content"}},
		{"elsewhere", `{"data":{"x":{"content":"c"}}}`, `{"data":{"x":{"content":"c"}}}`, nil},
		{"null", `{"data":{"content":null}}`, `{"data":{"content":null}}`, nil},
		{"nothing", `{"data":{}}`, `{"data":{}}`, nil},
		{"data is a list", `{"data":[{"content":"c"}]}`, `{"data":[{"content":"c"}]}`, nil},
		{"not an object", `[{"content":"c"}]`, `[{"content":"c"}]`, nil},
		{"not JSON", `{"data":{"content":"c"}`, `{"data":{"content":"c"}`, nil},
		{"trailing garbage", `{"content":"c"}x`, `{"content":"c"}x`, nil},
		{"empty", ``, ``, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body := []byte(tt.body)
			got, fields := webhook.Strip(body)
			if string(got) != tt.want || string(body) != tt.body {
				t.Errorf("Strip(%s) = %s, want %s; body is now %s", tt.body, got, tt.want, body)
			}
			if diff := cmp.Diff(tt.fields, fields); diff != "" {
				t.Errorf("fields differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStripLeavesSamplesAlone(t *testing.T) {
	t.Parallel()
	for _, p := range webhooktest.Payloads() {
		if got, fields := webhook.Strip(p.Body); &got[0] != &p.Body[0] || fields != nil {
			t.Errorf("Strip of %s cuts %v", p.Name, fields)
		}
	}
}
