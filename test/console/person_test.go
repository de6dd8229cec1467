package console_test

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// searchPerson finds a person who was sent something a moment ago, and looks at the plan of
// an erasure.
func searchPerson(t *testing.T, s *system, b *browser) {
	now := time.Now().Unix()
	for i, e := range []string{
		`"object_type":"email","metric":"sent","data":{"delivery_id":"d-eve-1","campaign_id":7,"subject":"Welcome Eve","recipient":"eve@example.com",`,
		`"object_type":"email","metric":"opened","data":{"delivery_id":"d-eve-1","campaign_id":7,"subject":"Welcome Eve","recipient":"eve@example.com",`,
		`"object_type":"push","metric":"sent","data":{"delivery_id":"d-eve-2","campaign_id":8,`,
		`"object_type":"sms","metric":"failed","data":{"delivery_id":"d-eve-3","broadcast_id":4,"recipient":"+15550100","failure_message":"30005 unknown destination",`,
		`"object_type":"email","metric":"bounced","data":{"delivery_id":"d-eve-4","newsletter_id":2,"subject":"News for Eve","recipient":"eve@example.com","failure_message":"550 5.1.1 <eve@example.com> user unknown",`,
	} {
		s.send(fmt.Sprintf(`{"event_id":"eve-%d","timestamp":%d,%s"identifiers":{"id":"u-eve","email":"eve@example.com","cio_id":"e0e0"}}}`+"\n", i, now-int64(900-200*i), e), "--stdin")
	}
	await(t, step, "the last event is in the warehouse", func() error {
		if s.rows("eve-4") != 1 {
			return errors.New("it is not")
		}
		return nil
	})
	b.open(s.page)
	b.press(`nav a[href="/person"]`)
	b.says("Search for a person")
	b.looks("empty person")
	b.fill("[name=value]", "eve@example.com")
	b.press("form.bar button.main")
	b.says("5 events")
	b.is("[...document.querySelectorAll('.timeline .tag')].some((t) => t.textContent === 'suppress')", step)
	b.is("!document.querySelector('.timeline').innerText.includes('eve@')", step)
	b.is("location.search === ''", step)
	b.looks("person")
	b.press(`form[action="/person/reveal"] button`)
	b.says("Welcome Eve")
	b.press(`form[action="/person/plan"] button`)
	b.says("Type the identifier again")
	b.is("document.querySelector('main').innerText.includes('u-eve')", step)
	b.looks("erasure plan")
	b.open(s.page + "/person")
	b.choose("[name=kind]", "id")
	b.fill("[name=value]", "u-eve")
	b.press("form.bar button.main")
	b.press(`.timeline a[href*="delivery=d-eve-1"]`)
	b.says("2 events")
}
