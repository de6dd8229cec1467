package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/cioevents/cioevents/internal/telemetry"
)

// An error that quotes a stranger controls no terminal, in either format.
func TestLogOfHostileTexts(t *testing.T) {
	t.Parallel()
	const hostile = "550 \x1b[2J\x07\r\n\u009b31m\x9b\u202e\x7f"
	for _, format := range []string{"json", "console"} {
		var w bytes.Buffer
		log := telemetry.NewLogger(&w, "info", format)
		log.Error().Err(errors.New(hostile)).Str("why", hostile).Strs("list", []string{hostile}).
			Interface("map", map[string]any{"a": map[string]string{"b": hostile}}).Msg(hostile)
		line, ended := strings.CutSuffix(w.String(), "\n")
		if !ended || !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }) {
			t.Errorf("%s: %q", format, line)
		}
		if format == "json" && !json.Valid(w.Bytes()) {
			t.Errorf("no JSON: %s", line)
		}
	}
}

// A tty is a terminal whose output a test can read.
type tty struct {
	bytes.Buffer
	file *os.File
}

func (t *tty) Fd() uintptr { return t.file.Fd() }

func TestColours(t *testing.T) {
	file, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminal: ", err)
	}
	defer file.Close()
	t.Setenv("NO_COLOR", "")
	colours := func(w interface {
		Write(p []byte) (int, error)
		String() string
	},
	) bool {
		log := telemetry.NewLogger(w, "info", "console")
		log.Error().Err(errors.New("x")).Msg("shown")
		if !regexp.MustCompile(`\d\d:\d\d:\d\dZ`).MatchString(w.String()) {
			t.Errorf("no time in UTC: %s", w.String())
		}
		return strings.Contains(w.String(), "\x1b[")
	}
	if colours(&bytes.Buffer{}) {
		t.Error("colours in a file")
	}
	if !colours(&tty{file: file}) {
		t.Error("no colours on a terminal")
	}
	t.Setenv("NO_COLOR", "1")
	if colours(&tty{file: file}) {
		t.Error("colours in spite of NO_COLOR")
	}
}
