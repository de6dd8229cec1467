package operate_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/operate"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func TestParseTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"":                          {},
		"2026-11-01":                time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		"2026-11-01T15:04:05Z":      time.Date(2026, 11, 1, 15, 4, 5, 0, time.UTC),
		"2026-11-01T15:04:05.5Z":    time.Date(2026, 11, 1, 15, 4, 5, 5e8, time.UTC),
		"2026-11-01T15:04:05+02:00": time.Date(2026, 11, 1, 13, 4, 5, 0, time.UTC),
		"-24h":                      now.Add(-24 * time.Hour),
		"90m":                       now.Add(-90 * time.Minute),
		"-7d":                       now.Add(-7 * 24 * time.Hour),
	} {
		if got, err := operate.ParseTime(text, now); err != nil || !got.Equal(want) {
			t.Errorf("ParseTime(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "--24h", "-", "d", "-1.5d", "+5h", "99999d", "2026-13-01", "24"} {
		if got, err := operate.ParseTime(text, now); err == nil {
			t.Errorf("ParseTime(%q) = %v, want an error", text, got)
		}
	}
}

func TestParsePeriod(t *testing.T) {
	t.Parallel()
	since, until, err := operate.ParsePeriod("-1h", "", now)
	if err != nil || !since.Equal(now.Add(-time.Hour)) || !until.IsZero() {
		t.Errorf("ParsePeriod: since %v, until %v, %v", since, until, err)
	}
	for field, texts := range map[string][2]string{"since": {"once", ""}, "until": {"-1h", "soon"}} {
		_, _, err := operate.ParsePeriod(texts[0], texts[1], now)
		if input, ok := errors.AsType[*operate.InputError](err); !ok || input.Field != field {
			t.Errorf("ParsePeriod(%q): error is %v, want an InputError of %q", texts, err, field)
		}
	}
}
