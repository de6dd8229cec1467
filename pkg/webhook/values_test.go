package webhook_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseInteger(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value string
		want  int64
	}{
		{`5`, 5},
		{`"5"`, 5},
		{`" 5 "`, 5},
		{`5.0`, 5},
		{`"5.0"`, 5},
		{`5e2`, 500},
		{`-5`, -5},
		{`9223372036854775807`, 1<<63 - 1},
		{`9223372036854775808`, 0},
		{`1e400`, 0},
		{`5.5`, 0},
		{`"link_123"`, 0},
		{`"0x10"`, 0},
		{`"inf"`, 0},
		{`"nan"`, 0},
		{`""`, 0},
		{`null`, 0},
		{`true`, 0},
		{`[5]`, 0},
		{`{"id":5}`, 0},
	}
	for _, tt := range tests {
		if got := parse(t, `{"campaign_id":`+tt.value+`}`).CampaignID; got != tt.want {
			t.Errorf("campaign_id %s reads as %d, want %d", tt.value, got, tt.want)
		}
	}
}

// A link and a transactional message have a number or a name.
func TestParseNumberOrName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value         string
		id            int64
		link, message string
	}{
		{`5`, 5, "", "5"},
		{`"5"`, 5, "", "5"},
		{`5.0`, 5, "", "5"},
		{`"link_123"`, 0, "link_123", "link_123"},
		{`""`, 0, "", ""},
		{`null`, 0, "", ""},
		{`{"id":5}`, 0, "", ""},
	} {
		e := parse(t, `{"link_id":`+c.value+`,"transactional_message_id":`+c.value+`}`)
		if e.LinkID != c.id || e.LinkName != c.link {
			t.Errorf("link_id %s reads as %d and %q, want %d and %q", c.value, e.LinkID, e.LinkName, c.id, c.link)
		}
		if e.TransactionalMessageID != c.id || e.TransactionalMessage != c.message {
			t.Errorf("transactional_message_id %s reads as %d and %q, want %d and %q",
				c.value, e.TransactionalMessageID, e.TransactionalMessage, c.id, c.message)
		}
	}
}

func TestParseText(t *testing.T) {
	t.Parallel()
	tests := []struct{ value, want string }{
		{`"a"`, "a"},
		{`" a "`, " a "},
		{`""`, ""},
		{`42`, "42"},
		{`4.20`, "4.20"},
		{`true`, "true"},
		{`null`, ""},
		{`["a"]`, ""},
		{`{"a":"b"}`, ""},
		{`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t"},
		{`"\u0026 \u00e9 \ud83d\ude00"`, "& é 😀"},
		{`"\ud83d"`, "\ufffd"},
		{"\"a\xffb\"", "a\ufffdb"},
		{`"` + strings.Repeat("é", 100) + `"`, strings.Repeat("é", 100)},
	}
	for _, tt := range tests {
		if got := parse(t, `{"subject":`+tt.value+`}`).Subject; got != tt.want {
			t.Errorf("subject %s reads as %q, want %q", tt.value, got, tt.want)
		}
	}
}

func TestParseFlag(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value string
		want  *bool
	}{
		{`true`, new(true)},
		{`"true"`, new(true)},
		{`1`, new(true)},
		{`"1"`, new(true)},
		{`false`, new(false)},
		{`"false"`, new(false)},
		{`0`, new(false)},
		{`"0"`, new(false)},
		{`2`, nil},
		{`"yes"`, nil},
		{`""`, nil},
		{`null`, nil},
		{`[true]`, nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, parse(t, `{"machine":`+tt.value+`}`).Machine); diff != "" {
			t.Errorf("machine %s differs (-want +got):\n%s", tt.value, diff)
		}
	}
}

func TestParseTimestamp(t *testing.T) {
	t.Parallel()
	second := time.Date(2020, time.March, 26, 19, 13, 19, 0, time.UTC)
	tests := []struct {
		value string
		want  time.Time
	}{
		{`1585249999`, second},
		{`"1585249999"`, second},
		{`1585249999.0`, second},
		{`1585249999.25`, second.Add(250 * time.Millisecond)},
		{`1.585249999e9`, second},
		{`1585249999250`, second.Add(250 * time.Millisecond)},
		{`1585249999250.5`, second.Add(250*time.Millisecond + 500*time.Microsecond)},
		{`1585249999000250`, second.Add(250 * time.Microsecond)},
		{`"2020-03-26T19:13:19Z"`, second},
		{`"2020-03-26T20:13:19.5+01:00"`, second.Add(500 * time.Millisecond)},
		{`99999999999`, time.Unix(99999999999, 0).UTC()},
		{`100000000000`, time.UnixMilli(100000000000).UTC()},
		{`1`, time.Unix(1, 0).UTC()},
		{`0`, time.Time{}},
		{`0.0000001`, time.Time{}},
		{`-1`, time.Time{}},
		{`-1.5`, time.Time{}},
		{`"1969-12-31T23:59:59Z"`, time.Time{}},
		{`"9999-12-31T23:59:59-01:00"`, time.Time{}},
		{`999999999999999999`, time.Time{}},
		{`1e300`, time.Time{}},
		{`"abc"`, time.Time{}},
		{`"2020-03-26"`, time.Time{}},
		{`""`, time.Time{}},
		{`null`, time.Time{}},
		{`true`, time.Time{}},
		{`[1585249999]`, time.Time{}},
	}
	for _, tt := range tests {
		got := parse(t, `{"timestamp":`+tt.value+`}`).OccurredAt
		if !got.Equal(tt.want) || got.Location() != time.UTC {
			t.Errorf("timestamp %s reads as %v, want %v", tt.value, got, tt.want)
		}
	}
}
