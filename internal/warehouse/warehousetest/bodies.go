package warehousetest

import (
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A Body is a webhook body and the values of some columns of its row.
type Body struct {
	Name    string
	Text    string
	Columns map[string]any // nil for NULL
}

// Row returns the row that a worker makes of the body.
func (b *Body) Row() (r warehouse.Row, err error) {
	err = r.Parse([]byte(b.Text), warehouse.Origin{Workspace: "default", ReceivedAt: receivedAt})
	r.EventID = r.ID
	return r, err
}

// columns is short for the values of columns.
type columns = map[string]any

// Bodies returns bodies whose columns need judgement.
func Bodies() []Body {
	return []Body{
		{
			"push bounce", `{"event_id":"p1","object_type":"push","metric":"bounced","timestamp":1760000000,"data":{"identifiers":{"id":"42"},"recipients":[{"device_id":"t1","device_platform":"ios","failure_message":"Unregistered"}]}}`,
			columns{"failure_message": "Unregistered", "recipients": `[{"device_id":"t1","device_platform":"ios","failure_message":"Unregistered"}]`, "payload_altered": nil, "recipient_domain": nil},
		}, {
			"push with a reason of the second device", `{"event_id":"p1b","object_type":"push","metric":"dropped","data":{"recipients":[{"device_id":"<t1>"},{"device_platform":"android","failure_message":"Expired"}]}}`,
			columns{"failure_message": "Expired", "recipients": `[{"device_id":"<t1>"},{"device_platform":"android","failure_message":"Expired"}]`, "bounce_class": nil},
		}, {
			"link_id as a text", `{"event_id":"p2","object_type":"email","metric":"clicked","timestamp":1760000000,"data":{"identifiers":{"id":"42"},"link_id":"link_123"}}`,
			columns{"link_id": nil, "link_name": "link_123"},
		}, {
			"link_id as a number", `{"event_id":"p2b","object_type":"email","metric":"clicked","data":{"link_id":"7"}}`,
			columns{"link_id": int64(7), "link_name": nil},
		}, {
			"transactional message by name", `{"event_id":"p3","object_type":"email","metric":"sent","timestamp":1760000000,"data":{"identifiers":{"id":"42"},"transactional_message_id":"order_confirmation"}}`,
			columns{"transactional_message_id": nil, "transactional_message": "order_confirmation", "source": "transactional", "source_id": "order_confirmation"},
		}, {
			"transactional message by number", `{"event_id":"p3b","object_type":"email","metric":"sent","data":{"transactional_message_id":5}}`,
			columns{"transactional_message_id": int64(5), "transactional_message": "5", "source": "transactional", "source_id": "5"},
		}, {
			"campaign before newsletter", `{"event_id":"p3c","object_type":"email","metric":"sent","data":{"newsletter_id":5,"campaign_id":23,"transactional_message_id":4}}`,
			columns{"source": "campaign", "source_id": "23"},
		}, {
			"broadcast before newsletter", `{"event_id":"p3d","object_type":"email","metric":"sent","data":{"newsletter_id":5,"broadcast_id":24}}`,
			columns{"source": "broadcast", "source_id": "24"},
		}, {
			"newsletter", `{"event_id":"p3e","object_type":"email","metric":"sent","data":{"newsletter_id":5}}`,
			columns{"source": "newsletter", "source_id": "5"},
		}, {
			"no source", `{"event_id":"p3f","object_type":"email","metric":"sent","data":{"campaign_id":"c1"}}`,
			columns{"source": nil, "source_id": nil, "transactional_message": nil},
		}, {
			"customer_id: identifiers first", `{"event_id":"p4","object_type":"email","metric":"sent","timestamp":1760000000,"data":{"customer_id":"old","identifiers":{"id":"new"}}}`,
			columns{"customer_id": "new"},
		}, {
			"customer_id alone", `{"event_id":"p4b","metric":"sent","customer_id":"old"}`,
			columns{"customer_id": "old"},
		}, {
			"recipient with a display name", `{"event_id":"p5","object_type":"email","metric":"sent","timestamp":1760000000,"data":{"identifiers":{"id":"42"},"recipient":"Ops <ops@other.example>"}}`,
			columns{"recipient": "Ops <ops@other.example>", "email_address": "ops@other.example", "recipient_domain": "other.example", "mailbox_provider": "other", "identifier_email": nil},
		}, {
			"several recipients", `{"event_id":"p5b","object_type":"email","metric":"sent","data":{"identifiers":{"email":"own@mine.example"},"recipient":"a@other.example, b@other.example"}}`,
			columns{"recipient": "a@other.example, b@other.example", "email_address": nil, "recipient_domain": nil, "mailbox_provider": nil, "identifier_email": "own@mine.example"},
		}, {
			"phone number", `{"event_id":"p5c","object_type":"sms","metric":"sent","data":{"identifiers":{"email":"own@gmail.com"},"recipient":"+15550100"}}`,
			columns{"recipient": "+15550100", "email_address": "own@gmail.com", "recipient_domain": nil, "mailbox_provider": nil},
		}, {
			"Gmail", `{"event_id":"p5d","object_type":"email","metric":"sent","data":{"recipient":"Ann@GMail.com"}}`,
			columns{"email_address": "Ann@GMail.com", "recipient_domain": "gmail.com", "mailbox_provider": "gmail"},
		}, {
			"half a surrogate pair", `{"event_id":"p6","object_type":"email","metric":"sent","timestamp":1760000000,"data":{"identifiers":{"id":"42"},"subject":"\ud83d x"}}`,
			columns{
				"subject": "\ufffd x", "payload_altered": true,
				"payload": `{"event_id":"p6","object_type":"email","metric":"sent","timestamp":1760000000,"data":{"identifiers":{"id":"42"},"subject":"\ufffd x"}}`,
			},
		}, {
			"whole surrogate pair", `{"event_id":"p6b","object_type":"email","metric":"sent","data":{"subject":"\ud83d\ude00 \\ud83d"}}`,
			columns{"subject": `😀 \ud83d`, "payload_altered": nil},
		}, {
			"preference change", `{"event_id":"p7","object_type":"customer","metric":"cio_subscription_preferences_changed","timestamp":1760000000,"data":{"identifiers":{"id":"42"},"email_address":"a@b.example","content":"{\"topics\":{\"topic_7\":false}}"}}`,
			columns{"preferences": `{"topics":{"topic_7":false}}`, "email_address": "a@b.example", "recipient_domain": nil},
		}, {
			"preferences that are no JSON", `{"event_id":"p7b","object_type":"customer","metric":"cio_subscription_preferences_changed","data":{"content":"{topics"}}`,
			columns{"preferences": nil},
		}, {
			"content of an e-mail", `{"event_id":"p7c","object_type":"email","metric":"sent","data":{"content":"{}"}}`,
			columns{"preferences": nil},
		}, {
			"data null", `{"event_id":"p8","timestamp":1760000000,"metric":"sent","data":null}`,
			columns{"shape": "nested", "object_type": nil, "timestamp": time.Unix(1_760_000_000, 0).UTC()},
		}, {
			"hard bounce", `{"event_id":"p9","object_type":"email","metric":"bounced","data":{"failure_message":"550 5.1.1 user unknown"}}`,
			columns{"bounce_class": "hard"},
		}, {
			"soft bounce", `{"event_id":"p9b","object_type":"email","metric":"bounced","data":{"failure_message":"452 4.2.2 mailbox full"}}`,
			columns{"bounce_class": "soft"},
		}, {
			"bounce without a reason", `{"event_id":"p9c","object_type":"email","metric":"bounced","data":{}}`,
			columns{"bounce_class": "unknown"},
		}, {
			"flat bounce", `{"event_id":"p9d","metric":"bounced","email_address":"a@b.example"}`,
			columns{"bounce_class": "hard", "recipient_domain": "b.example", "shape": "flat"},
		}, {
			"reply", `{"event_id":"p10","object_type":"sms","metric":"replied","data":{"to":"+15550100","inbound_event_id":"in1"}}`,
			columns{"reply_to_number": "+15550100", "inbound_event_id": "in1"},
		},
	}
}

// oddBodies checks that a reader sees the columns of Bodies.
func oddBodies(p *suite) {
	var rows []warehouse.Row
	bodies := Bodies()
	for i := range bodies {
		row, err := bodies[i].Row()
		if err != nil {
			p.t.Fatalf("parse %s: %v", bodies[i].Name, err)
		}
		rows = append(rows, row)
	}
	p.expect(p.open(), rows, len(rows), 0)
	p.checkRead(rows)
	byID := map[any]map[string]any{}
	for _, values := range p.Read(p.t) {
		byID[values["event_id"]] = values
	}
	all := warehouse.Columns()
	for i, b := range bodies {
		for _, c := range all {
			want, ok := b.Columns[c.Name]
			if got := byID[rows[i].EventID][c.Name]; ok && !p.equal(&c, got, want) {
				p.t.Errorf("%s: column %s is %v; want %v", b.Name, c.Name, got, want)
			}
		}
	}
}
