package operate

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// An InputError reports an invalid value in a field that an operator filled in. A
// face shows the error beside the field, as cioctl does with "--since: cause".
type InputError struct {
	Field string
	Err   error
}

func (e *InputError) Error() string { return e.Field + ": " + e.Err.Error() }

// Words returns a list for a sentence: "a, b, c".
func Words[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, w := range list {
		texts[i] = string(w)
	}
	return strings.Join(texts, ", ")
}

// ParsePeriod reads both ends of a period with ParseTime. The error joins the InputErrors
// of the fields "since" and "until".
func ParsePeriod(sinceText, untilText string, now time.Time) (since, until time.Time, err error) {
	since, sinceErr := ParseTime(sinceText, now)
	until, untilErr := ParseTime(untilText, now)
	return since, until, errors.Join(inputError("since", sinceErr), inputError("until", untilErr))
}

// inputError returns an InputError, or nil without an error.
func inputError(field string, err error) error {
	if err == nil {
		return nil
	}
	return &InputError{field, err}
}

// ParseTime reads a point in time in RFC 3339, as a date (its first moment in UTC), or
// as a span before now such as -24h, 90m or 7d. The empty text is the zero time.
func ParseTime(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	span, err := parseSpan(strings.TrimPrefix(text, "-"))
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time: want 2026-11-01, 2026-11-01T15:04:05Z, -24h or -7d", text)
	}
	return now.Add(-span).UTC(), nil
}

// parseSpan is time.ParseDuration that also reads days: 7d.
func parseSpan(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 15)
		return time.Duration(n) * 24 * time.Hour, err
	}
	d, err := time.ParseDuration(text)
	if err == nil && (d < 0 || strings.HasPrefix(text, "+")) {
		return 0, strconv.ErrSyntax // a second sign, or a sign for the future
	}
	return d, err
}
