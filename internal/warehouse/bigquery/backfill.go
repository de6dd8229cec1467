package bigquery

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
)

//go:embed backfill.sql
var backfillSQL string

// Backfill returns the script that fills the new columns of rows of an older release, as
// far as SQL can. The worker cannot run the script: its account has no right to run
// jobs, and needs none otherwise.
//
// The values are those of warehouse.NewRow, except that a rare spelling of an address
// gives NULL instead of a domain.
func Backfill(project, dataset string) string {
	var set, old []string
	for _, c := range backfilled() {
		set = append(set, "\n      "+c.name+" = "+c.value)
		old = append(old, c.name+" IS NULL")
	}
	old = append(old, "bounce_class IS NULL", "payload_altered IS NULL", "erased_at IS NULL",
		"received_at < TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR)")
	return strings.NewReplacer(
		"{table}", quote(project, dataset, Raw),
		"{set}", strings.Join(set, ","),
		"{old}", strings.Join(old, " AND "),
	).Replace(backfillSQL)
}

// A filling is a column and the SQL of its value.
type filling struct{ name, value string }

func backfilled() []filling {
	return []filling{
		{"source", "CASE WHEN campaign_id IS NOT NULL THEN 'campaign' WHEN broadcast_id IS NOT NULL THEN 'broadcast'" +
			" WHEN newsletter_id IS NOT NULL THEN 'newsletter' WHEN " + transactional + " IS NOT NULL THEN 'transactional' END"},
		{"source_id", "COALESCE(CAST(campaign_id AS STRING), CAST(broadcast_id AS STRING), CAST(newsletter_id AS STRING), " + transactional + ")"},
		{"transactional_message", transactional},
		{"link_name", "IF(link_id IS NULL AND JSON_TYPE(COALESCE(payload.data.link_id, payload.link_id)) = 'string', " + member("link_id") + ", NULL)"},
		{"recipient_domain", domain},
		{"mailbox_provider", provider()},
		{"identifier_email", member("identifiers.email")},
		{"recipients", "(SELECT IF(COUNT(*) > 0, TO_JSON(ARRAY_AGG(JSON_STRIP_NULLS(JSON_OBJECT(" +
			device("device_id") + ", " + device("device_platform") + ", " + device("failure_message") + ")) ORDER BY place)), NULL)" +
			" FROM UNNEST(COALESCE(JSON_QUERY_ARRAY(payload, '$.data.recipients'), JSON_QUERY_ARRAY(payload, '$.recipients'))) AS device WITH OFFSET AS place WHERE JSON_TYPE(device) = 'object')"},
		{"inbound_event_id", member("inbound_event_id")},
		{"reply_to_number", member("to")},
		{"preferences", "IF(metric = 'cio_subscription_preferences_changed', SAFE.PARSE_JSON(" + member("content") + "), NULL)"},
	}
}

// transactional is the text of a transactional message's id, which may be a name.
var transactional = "COALESCE(CAST(transactional_message_id AS STRING), " + member("transactional_message_id") + ")"

// member returns the SQL of a text of data, or of the top level. An empty text is NULL.
func member(path string) string {
	return fmt.Sprintf("COALESCE(NULLIF(JSON_VALUE(payload, '$.data.%[1]s'), ''), NULLIF(JSON_VALUE(payload, '$.%[1]s'), ''))", path)
}

func device(key string) string {
	return fmt.Sprintf("'%[1]s', NULLIF(JSON_VALUE(device, '$.%[1]s'), '')", key)
}

// Characters of an address and its domain that need no quotes: see webhook.AddrSpec.
const plain = `[^\s()<>\[\]:;@\\,"]+`

// domain is the SQL of the domain of an e-mail event's address. The column email_address
// of an older release may have a display name. A display name with an @ may be a list,
// and gives NULL.
const domain = "IF(object_type = 'email', LOWER(COALESCE(" +
	"REGEXP_EXTRACT(email_address, r'''^\\s*" + plain + "@(" + plain + ")\\s*$'''), " +
	"REGEXP_EXTRACT(email_address, r'''^[^@<>]*<\\s*" + plain + "@(" + plain + ")\\s*>\\s*$'''))), NULL)"

// provider returns the SQL of the mailbox provider of domain.
func provider() string {
	whole, first := warehouse.MailboxDomains()
	cases := []string{"WHEN domain IS NULL THEN NULL"}
	for _, p := range providersOf(whole) {
		cases = append(cases, fmt.Sprintf("WHEN domain IN ('%s') THEN '%s'", strings.Join(p.domains, "', '"), p.name))
	}
	for _, p := range providersOf(first) {
		cases = append(cases, fmt.Sprintf(`WHEN REGEXP_CONTAINS(domain, r'^(%s)\.(com|[^.]{2}|com?\.[^.]{2})$') THEN '%s'`, strings.Join(p.domains, "|"), p.name))
	}
	return "(SELECT CASE " + strings.Join(cases, " ") + " ELSE 'other' END FROM UNNEST([" + domain + "]) AS domain)"
}

type mailboxProvider struct {
	name    string
	domains []string
}

// providersOf groups domains by their providers, in alphabetical order.
func providersOf(domains map[string]string) []mailboxProvider {
	var list []mailboxProvider
	for _, name := range slices.Sorted(maps.Values(domains)) {
		if n := len(list); n > 0 && list[n-1].name == name {
			continue
		}
		p := mailboxProvider{name: name}
		for _, d := range slices.Sorted(maps.Keys(domains)) {
			if domains[d] == name {
				p.domains = append(p.domains, d)
			}
		}
		list = append(list, p)
	}
	return list
}
