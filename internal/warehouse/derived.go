package warehouse

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// Derived has the values of columns that need more than one field of the event, or
// another form of a field. NewRow computes the values once for each row, because
// DuckDB reads a batch twice.
type Derived struct {
	// PersonID is the person's id in the workspace.
	PersonID string
	// Address is the e-mail address that the event is about, as an addr-spec: without
	// a display name. "" for several addresses.
	Address string
	// Timestamp is the time at which the event occurred, NULL when the body has no
	// time. A substitute would differ between two deliveries of one event.
	Timestamp time.Time
	// ByMachine says whether a machine opened or clicked.
	ByMachine *bool
	// Source is what sent the message: campaign, broadcast, newsletter or
	// transactional. SourceID is the id of the source.
	Source, SourceID string
	// Bounce is the class of a bounce, "" for other events.
	Bounce string
	// Domain is the lower-case domain of Address if the event is about an e-mail, and
	// Provider the mailbox provider of the domain.
	Domain, Provider string
	// RecipientList is the list of devices of a push, as JSON.
	RecipientList string
	// Preferences is the content of a change of subscription preferences, as JSON.
	Preferences string
	// PayloadAltered is true when the row's payload is not the body as received.
	PayloadAltered *bool
}

func derive(e *webhook.Event) Derived {
	d := Derived{
		PersonID:      e.Identifiers.ID,
		Address:       emailAddress(e),
		Timestamp:     storableTime(e.OccurredAt),
		ByMachine:     e.IsMachine(),
		Bounce:        string(e.BounceClass()),
		RecipientList: recipientList(e.Recipients),
		Preferences:   preferences(e),
	}
	if d.PersonID == "" {
		d.PersonID = e.CustomerID // deprecated by Customer.io
	}
	d.Source, d.SourceID = source(e)
	if e.ObjectType == webhook.Email {
		d.Domain, d.Provider = mailbox(d.Address)
	}
	return d
}

// emailAddress returns the address that the event is about. Today's message events
// carry the address as the recipient. A recipient that is no single address is not
// replaced by the person's own: the message went somewhere else.
func emailAddress(e *webhook.Event) string {
	text := e.Identifiers.Email
	switch {
	case e.EmailAddress != "":
		text = e.EmailAddress
	case e.ObjectType == webhook.Email && e.Recipient != "":
		text = e.Recipient
	}
	address, _ := webhook.AddrSpec(text)
	return address
}

func source(e *webhook.Event) (kind, id string) {
	switch {
	case e.CampaignID != 0:
		return "campaign", strconv.FormatInt(e.CampaignID, 10)
	case e.BroadcastID != 0:
		return "broadcast", strconv.FormatInt(e.BroadcastID, 10)
	case e.NewsletterID != 0:
		return "newsletter", strconv.FormatInt(e.NewsletterID, 10)
	case e.TransactionalMessage != "":
		return "transactional", e.TransactionalMessage
	default:
		return "", ""
	}
}

// failureMessage returns the reason of a failure. A push has a reason for each device,
// and the first one counts.
func failureMessage(e *webhook.Event) string {
	message := e.FailureMessage
	for i := 0; message == "" && i < len(e.Recipients); i++ {
		message = e.Recipients[i].FailureMessage
	}
	return message
}

// A device is a webhook.Recipient with the names of Customer.io's JSON.
type device struct {
	DeviceID       string `json:"device_id,omitempty"`
	DevicePlatform string `json:"device_platform,omitempty"`
	FailureMessage string `json:"failure_message,omitempty"`
}

func recipientList(recipients []webhook.Recipient) string {
	if len(recipients) == 0 {
		return ""
	}
	list := make([]device, len(recipients))
	for i, r := range recipients {
		list[i] = device(r)
	}
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false) // a reader searches for the text that Customer.io sent
	if err := w.Encode(list); err != nil {
		return "" // never: the list has texts only
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func preferences(e *webhook.Event) string {
	if e.Metric != webhook.PreferencesChanged || !json.Valid([]byte(e.Content)) {
		return ""
	}
	return string(withoutHalfPairs([]byte(e.Content)))
}
