package duckdb

import (
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// SQL of the identifiers that only the payload has: the phone number in all rows, and the
// person's own address in rows that were stored before the column existed. In a row of the
// first release, the payload may be a text, because DuckDB refused the body.
var (
	payloadPhone = payloadIdentifier("phone")
	payloadEmail = "coalesce(identifier_email, " + payloadIdentifier("email") + ")"
	payloadText  = `CASE WHEN identifier_email IS NULL AND starts_with(payload::VARCHAR, '"') THEN payload::VARCHAR END`
)

func payloadIdentifier(name string) string {
	return fmt.Sprintf("coalesce((payload->>'$.data.identifiers.%[1]s'), (payload->>'$.identifiers.%[1]s'))", name)
}

// identityColumns are the first columns of a search, which identityOf reads.
var identityColumns = strings.Join([]string{"workspace", "object_type", "customer_id", "cio_id", payloadEmail, payloadPhone, "email_address", "recipient", payloadText}, ", ")

const identities = 9

// identityOf returns the workspace and the event of the first columns of a row.
func identityOf(row []any) (workspace string, e *webhook.Event) {
	if text := textOf(row[8]); text != "" {
		if e, err := webhook.Parse(body(text)); err == nil {
			return textOf(row[0]), e
		}
	}
	return textOf(row[0]), &webhook.Event{
		ObjectType:   webhook.ObjectType(textOf(row[1])),
		Identifiers:  webhook.Identifiers{ID: textOf(row[2]), CioID: textOf(row[3]), Email: textOf(row[4]), Phone: textOf(row[5])},
		EmailAddress: textOf(row[6]),
		Recipient:    textOf(row[7]),
	}
}

func textOf(value any) string {
	text, _ := value.(string)
	return text
}

// candidates returns a condition that each row of the persons meets. Some other rows meet
// the condition, too: DuckDB cannot read all spellings of an address, and Search.Match
// decides.
//
// A search without phone numbers reads payloads only of rows without identifier_email:
// 10 million rows take 2 s instead of 6 s.
func candidates(s *privacy.Search) string {
	recipient := []string{mailbox("email_address", s), mailbox("recipient", s), among("recipient", s.Texts(privacy.Phone))}
	conditions := []string{
		among("customer_id", s.Texts(privacy.ID)),
		among("cio_id", s.Texts(privacy.CioID)),
		mailbox("identifier_email", s),
		among(payloadPhone, s.Texts(privacy.Phone)),
		isBlank("identifier_email") + " AND (" + mailbox(payloadIdentifier("email"), s) + " OR " + payloadText + " IS NOT NULL)",
		isBlank("customer_id") + " AND " + isBlank("cio_id") + " AND " + isBlank("identifier_email") + " AND (" + strings.Join(recipient, " OR ") + ")",
	}
	return among("workspace", s.Workspaces()) + " AND (" + strings.Join(conditions, " OR ") + ")"
}

// spaces are the characters that strings.TrimSpace removes from texts of people.
const spaces = "' \t\n\v\f\r\u0085\u00a0'"

func isBlank(column string) string {
	return fmt.Sprintf("coalesce(trim(%s, %s), '') = ''", column, spaces)
}

// among returns a condition on the text of a column without white space around the text.
func among(column string, texts []string) string {
	if len(texts) == 0 {
		return "false"
	}
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = literal(t)
	}
	return fmt.Sprintf("trim(%s, %s) IN (%s)", column, spaces, strings.Join(quoted, ", "))
}

// mailbox returns a condition on a column that may have one of the addresses. A text with
// characters beyond those of a bare address may have any address: see webhook.AddrSpec.
func mailbox(column string, s *privacy.Search) string {
	texts := s.Texts(privacy.Email)
	if len(texts) == 0 {
		return "false"
	}
	special := `[\s()<>\[\]\\"]`
	for _, t := range texts {
		if strings.ContainsFunc(t, func(r rune) bool { return r > '~' }) { // DuckDB may know other cases of letters than Go
			special = `[\s()<>\[\]\\"]|[^ -~]`
		}
	}
	return fmt.Sprintf("(%s OR contains(%[2]s, '@') AND regexp_matches(%[2]s, '%[3]s'))", among("lower("+column+")", texts), column, special)
}
