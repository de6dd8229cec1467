package webhook_test

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/pkg/webhook"
)

const digestOfEmpty = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" // printf '{}' | sha256sum

func TestKey(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 257)
	for body, want := range map[string]string{
		`{"event_id":"01E4C4CT6YDC7Y5M7FE1GWWPQJ","metric":"sent"}`: "01E4C4CT6YDC7Y5M7FE1GWWPQJ",
		`{"event_id":" padded "}`:                                   "",
		`{}`:                                                        digestOfEmpty,
		`{"event_id":"two words"}`:                                  "",
		`{"event_id":"é"}`:                                          "",
		`{"event_id":"` + long + `"}`:                               "",
		`{"event_id":"` + long[:256] + `"}`:                         long[:256],
	} {
		e, err := webhook.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		env, err := webhook.ParseEnvelope([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		got := e.Key()
		if want == "" && len(got) != 64 || want != "" && got != want {
			t.Errorf("Key of %.40s = %q, want %q", body, got, want)
		}
		if k := env.Key([]byte(body)); k != got {
			t.Errorf("Envelope.Key of %.40s = %q, Event.Key %q", body, k, got)
		}
	}
}
