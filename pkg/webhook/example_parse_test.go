package webhook_test

import (
	"fmt"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

func ExampleParse() {
	event, err := webhook.Parse([]byte(`{
		"event_id": "01E4C4CT6YDC7Y5M7FE1GWWPQJ",
		"object_type": "email",
		"metric": "bounced",
		"timestamp": 1585250199,
		"data": {
			"identifiers": {"id": "42", "email": "test@example.com", "cio_id": "d9c106000001"},
			"recipient": "test@example.com",
			"campaign_id": 5,
			"failure_message": "550 5.1.1 No such user"
		}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(event.ObjectType, event.Metric, event.OccurredAt.Format(time.RFC3339))
	fmt.Println(event.Identifiers.CioID, event.CampaignID, event.FailureMessage)
	// Output:
	// email bounced 2020-03-26T19:16:39Z
	// d9c106000001 5 550 5.1.1 No such user
}

func ExampleStrip() {
	body := []byte(`{"metric":"sent","data":{"subject":"Hello","content":"<html>…</html>"}}`)
	stripped, fields := webhook.Strip(body)
	fmt.Println(fields)
	fmt.Println(string(stripped))
	// Output:
	// [content]
	// {"metric":"sent","data":{"subject":"Hello","content":null}}
}
