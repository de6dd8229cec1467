package bigquery

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A question is the search for persons.
type question struct {
	search   *privacy.Search
	salt     warehouse.Salt
	payloads bool // whether the search reads payloads
}

func newQuestion(persons []privacy.Person, key *privacy.Key) *question {
	q := &question{search: privacy.NewSearch(persons, key), salt: warehouse.Salt(rand.Text())}
	q.payloads = len(q.search.Texts(privacy.Phone)) > 0
	return q
}

// SQL of the identifiers in a payload.
const (
	payloadEmail = "COALESCE(JSON_VALUE(payload, '$.data.identifiers.email'), JSON_VALUE(payload, '$.identifiers.email'))"
	payloadPhone = "COALESCE(JSON_VALUE(payload, '$.data.identifiers.phone'), JSON_VALUE(payload, '$.identifiers.phone'))"
)

// statement returns the SELECT of the rows that may be the persons'.
func (q *question) statement(table string) string {
	email, phone := "CAST(NULL AS STRING)", "CAST(NULL AS STRING)"
	if q.payloads {
		email, phone = payloadEmail, payloadPhone
	}
	conditions := []string{
		q.salt.Among("TRIM(customer_id)", q.search.Texts(privacy.ID)...),
		q.salt.Among("TRIM(cio_id)", q.search.Texts(privacy.CioID)...),
		q.mailbox("identifier_email"),
		isBlank("customer_id") + " AND " + isBlank("cio_id") + " AND " + isBlank("identifier_email") + " AND (" +
			q.mailbox("email_address") + " OR " + q.mailbox("recipient") + " OR " + q.salt.Among("TRIM(recipient)", q.search.Texts(privacy.Phone)...) + ")",
	}
	if q.payloads {
		conditions = append(conditions, q.salt.Among("TRIM("+phone+")", q.search.Texts(privacy.Phone)...), q.mailbox(email))
	}
	return "SELECT workspace, event_id, metric, `timestamp`, object_type, customer_id, cio_id, identifier_email, email_address, recipient, " + email + " AS email, " + phone + " AS phone\nFROM " +
		table + "\nWHERE " + q.salt.Among("workspace", q.search.Workspaces()...) + "\n  AND (" + strings.Join(conditions, "\n  OR ") + ")"
}

func isBlank(column string) string { return "COALESCE(TRIM(" + column + "), '') = ''" }

// mailbox returns a condition on a text that may be one of the addresses. A text with
// characters beyond those of a bare address may be any address: the Search decides.
func (q *question) mailbox(value string) string {
	texts := q.search.Texts(privacy.Email)
	if len(texts) == 0 {
		return "FALSE"
	}
	special := `[[:space:]()<>"]`
	if slices.ContainsFunc(texts, func(t string) bool { return strings.ContainsFunc(t, func(r rune) bool { return r > '~' }) }) {
		special += "|[^ -~]"
	}
	return "(" + q.salt.Among("LOWER(TRIM("+value+"))", texts...) + " OR REGEXP_CONTAINS(" + value + ", '@') AND REGEXP_CONTAINS(" + value + ", '" + special + "'))"
}

// ask returns the rows of the persons.
func (q *question) ask(ctx context.Context, r *Reader) ([]hit, error) {
	rows, err := r.Query(ctx, q.statement(Raw))
	if err != nil {
		return nil, err
	}
	var hits, unsure []hit
	for row, err := range rows.Each {
		if err != nil {
			return nil, err
		}
		h := hitOf(row)
		var ok bool
		if h.persons, ok = q.search.Match(h.key.Workspace, &h.event); !ok {
			continue
		}
		if !q.payloads && len(privacy.Identify(&h.event)) == 0 {
			unsure = append(unsure, h)
		} else {
			hits = append(hits, h)
		}
	}
	sure, err := q.askAgain(ctx, r, unsure)
	return append(hits, sure...), err
}

func hitOf(row []any) hit {
	h := hit{key: warehouse.Key{Workspace: textOf(row[0]), EventID: textOf(row[1]), Metric: textOf(row[2])}}
	h.occurred, _ = row[3].(time.Time)
	h.event = webhook.Event{
		ObjectType:   webhook.ObjectType(textOf(row[4])),
		Identifiers:  webhook.Identifiers{ID: textOf(row[5]), CioID: textOf(row[6]), Email: textOf(row[7]), Phone: textOf(row[11])},
		EmailAddress: textOf(row[8]),
		Recipient:    textOf(row[9]),
	}
	if h.event.Identifiers.Email == "" {
		h.event.Identifiers.Email = textOf(row[10])
	}
	return h
}

// askAgain reads the payloads of rows that have no identifier of a person in a column. The
// row of a recipient is somebody else's if the payload names somebody else.
func (q *question) askAgain(ctx context.Context, r *Reader, unsure []hit) (sure []hit, err error) {
	found := map[warehouse.Key]webhook.Identifiers{}
	err = eachRow(ctx, r, unsure, "workspace, event_id, metric, "+payloadEmail+" AS email, "+payloadPhone+" AS phone", func(row []any) error {
		k := warehouse.Key{Workspace: textOf(row[0]), EventID: textOf(row[1]), Metric: textOf(row[2])}
		found[k] = webhook.Identifiers{Email: textOf(row[3]), Phone: textOf(row[4])}
		return nil
	})
	for i := range unsure {
		h := unsure[i]
		h.event.Identifiers = found[h.key]
		var ok bool
		if h.persons, ok = q.search.Match(h.key.Workspace, &h.event); ok {
			sure = append(sure, h)
		}
	}
	return sure, err
}

// mostKeys bounds the keys of a statement: 8,000 hashes are 550 kB of the 1 MB that a
// statement may have (https://cloud.google.com/bigquery/quotas#query_jobs).
const mostKeys = 8000

// conditions returns conditions that together select the rows of the keys of hits, mostly
// one. Each has the days of its rows as literals, so that BigQuery reads no other days.
func conditions(hits []hit) []string {
	salt := warehouse.Salt(rand.Text())
	var list []string
	for part := range slices.Chunk(hits, mostKeys) {
		var texts []string
		for _, k := range keysOf(part) {
			texts = append(texts, strings.Join([]string{k.Workspace, k.EventID, k.Metric}, "/"))
		}
		list = append(list, "("+days(part)+") AND "+salt.Among("workspace, '/', event_id, '/', COALESCE(metric, '')", texts...))
	}
	return list
}

// mostRanges bounds the ranges of days of a statement. A person with more has one range.
const mostRanges = 200

// days returns a condition for the days of rows, or for rows without a time.
func days(hits []hit) string {
	var all []time.Time
	for i := range hits {
		if at := hits[i].occurred; !at.IsZero() {
			all = append(all, at.UTC().Truncate(24*time.Hour))
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	ranges := rangesOf(slices.Compact(all), 24*time.Hour)
	if len(ranges) > mostRanges {
		ranges = rangesOf(all, 1<<62)
	}
	var list []string
	for _, r := range ranges {
		list = append(list, fmt.Sprintf("`timestamp` >= TIMESTAMP '%s' AND `timestamp` < TIMESTAMP '%s'", r[0].Format(time.DateOnly), r[1].Format(time.DateOnly)))
	}
	return strings.Join(append(list, "`timestamp` IS NULL"), " OR ")
}

// rangesOf joins days that follow each other by step at most. The end of a range is the
// day after its last day.
func rangesOf(all []time.Time, step time.Duration) (ranges [][2]time.Time) {
	for _, day := range all {
		next := day.Add(24 * time.Hour)
		if n := len(ranges); n > 0 && day.Sub(ranges[n-1][1].Add(-24*time.Hour)) <= step {
			ranges[n-1][1] = next
		} else {
			ranges = append(ranges, [2]time.Time{day, next})
		}
	}
	return ranges
}
