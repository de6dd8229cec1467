package warehouse

import (
	"fmt"
	"slices"
	"strings"
)

// A Status is the judgement about a measure of the sender's mail.
type Status string

// The statuses, from the best to the worst. Few means that there is too little mail to
// judge.
const (
	StatusFew  Status = "few"
	StatusOK   Status = "ok"
	StatusWarn Status = "warn"
	StatusBad  Status = "bad"
)

// Rank is higher for a worse status.
func (s Status) Rank() int {
	return slices.Index([]Status{StatusFew, StatusOK, StatusWarn, StatusBad}, s)
}

// A Limit has the thresholds of one measure. This is their only place: views, reports and
// the tests of the alerts take them from here.
type Limit struct {
	// Warn and Bad are the first values that are a warning and bad: thousandths of a
	// whole, or numbers for a limit without Least.
	Warn, Bad int64
	// Least is the size of the whole below which a measure is not judged, 0 for a measure
	// that is a number.
	Least int64
	// Enough is the number of cases that is judged also in a smaller whole, 0 for none.
	Enough int64
}

// The limits of the measures.
var (
	// ComplaintLimit is for complaints of the delivered e-mails of one provider without
	// Gmail, which reports none. Google: below 0.1 %, never 0.3 %
	// (https://support.google.com/a/answer/81126); Yahoo: below 0.3 %
	// (https://senders.yahooinc.com/best-practices/).
	ComplaintLimit = Limit{Warn: 1, Bad: 3, Least: 1000, Enough: 3}
	// HardBounceLimit is for hard bounces of sent e-mails. Amazon SES reviews a sender at
	// 5 % (https://docs.aws.amazon.com/ses/latest/dg/reputationdashboardmessages.html).
	HardBounceLimit = Limit{Warn: 20, Bad: 50, Least: 200}
	// RefusalLimit is for refused e-mails of sent e-mails, see Row.Refusal.
	RefusalLimit = Limit{Warn: 10, Bad: 50, Least: 200}
	// UnauthenticatedLimit is for the number of e-mails that were refused because the
	// sender is not authenticated.
	UnauthenticatedLimit = Limit{Warn: 1, Bad: 10}
	// OptoutLimit is for the number of e-mails sent more than two days after an opt-out:
	// Google grants 48 hours, Yahoo two days.
	OptoutLimit = Limit{Warn: 1, Bad: 10}
	// OpensLimit is for the human opens at one provider that are missing against the
	// median of the 28 days before.
	OpensLimit = Limit{Warn: 300, Bad: 500, Least: 1000}
)

// Status judges n cases of a whole. The whole does not matter to a number.
func (l Limit) Status(n, whole int64) Status {
	value, unit := n, int64(1)
	if l.Least > 0 {
		value, unit = 1000*n, whole
	}
	switch {
	case whole < l.Least && (l.Enough == 0 || n < l.Enough):
		return StatusFew
	case value >= l.Bad*unit:
		return StatusBad
	case value >= l.Warn*unit:
		return StatusWarn
	default:
		return StatusOK
	}
}

// sql returns an expression that is Status of two columns.
func (l Limit) sql(n, whole string) string {
	var few string
	if l.Least > 0 {
		few = fmt.Sprintf("WHEN %s < %d ", whole, l.Least)
		if l.Enough > 0 {
			few = fmt.Sprintf("WHEN %s < %d AND %s < %d ", whole, l.Least, n, l.Enough)
		}
		few += "THEN 'few' "
		n, whole = "1000 * "+n, " * "+whole
	} else {
		whole = ""
	}
	return fmt.Sprintf("CASE %sWHEN %s >= %d%s THEN 'bad' WHEN %[2]s >= %[5]d%[4]s THEN 'warn' ELSE 'ok' END", few, n, l.Bad, whole, l.Warn)
}

// healthParts are the parts that the views of all warehouses have in common.
var healthParts = strings.NewReplacer(
	"{bounce_status}", HardBounceLimit.sql("hard_bounces", "sent"),
	"{blocked_status}", RefusalLimit.sql("blocked", "sent"),
	"{authentication_status}", UnauthenticatedLimit.sql("unauthenticated", ""),
	"{complaint_status}", ComplaintLimit.sql("complaints_outside_gmail", "delivered_outside_gmail"),
	"{health_status}", "CASE WHEN 'bad' IN (bounce_status, blocked_status, authentication_status, complaint_status) THEN 'bad'"+
		" WHEN 'warn' IN (bounce_status, blocked_status, authentication_status, complaint_status) THEN 'warn'"+
		" WHEN 'ok' IN (bounce_status, blocked_status, complaint_status) THEN 'ok' ELSE 'few' END",
	"{fast_click}", "human_clicked_at <= delivered_at + INTERVAL 2 SECOND",
	"{arrives}", "object_type IS NULL OR object_type NOT IN ('"+strings.Join(unheard, "', '")+"')",
	"{unauthenticated_pattern}", unauthenticatedPattern,
	"{blocked_pattern}", blockedPattern,
)

// HealthSQL fills statuses, patterns and conditions into the SQL of views. The expressions are the
// same in all warehouses.
func HealthSQL(views string) string { return healthParts.Replace(views) }
