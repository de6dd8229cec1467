package webhook_test

import "testing"

// The rules that make a metric of a body are frozen, because the metric belongs to the
// identity of a stored event. After a change of a line here, a replay would store an
// event a second time beside the event of the old rule. A change needs a migration of
// every warehouse, and of the streams' ids.
func TestMetricRulesAreFrozen(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{}`:                                                "",
		`{"metric":null}`:                                   "",
		`{"metric":""}`:                                     "",
		`{"metric":" "}`:                                    "",
		`{"metric":["sent"]}`:                               "",
		`{"metric":{"sent":1}}`:                             "",
		`{"data":{"metric":"sent"}}`:                        "",
		`{"metric":"sent"}`:                                 "sent",
		`{"metric":"\u0073ent"}`:                            "sent",
		`{"m\u0065tric":"sent"}`:                            "sent",
		`{"metric":"\t Sent \n"}`:                           "sent",
		`{"metric":"SENT","data":null}`:                     "sent",
		`{"metric":"opened","metric":"sent"}`:               "sent",
		`{"metric":"sent","metric":null}`:                   "",
		`{"metric":5}`:                                      "5",
		`{"metric":5.0}`:                                    "5.0",
		`{"metric":true}`:                                   "true",
		`{"metric":"beamed up"}`:                            "beamed up",
		`{"metric":"É\ud83d"}`:                              "é\ufffd",
		`{"metric":"complained"}`:                           "spammed",
		`{"metric":"Complained","data":{}}`:                 "spammed",
		`{"metric":"spam"}`:                                 "spam",
		`{"metric":"bounce"}`:                               "bounce",
		`{"metric":"email_bounced"}`:                        "email_bounced",
		`{"metric":"cio_subscription_preferences_changed"}`: "cio_subscription_preferences_changed",
		`{"metric":"customer_subscription_preferences_changed"}`:      "cio_subscription_preferences_changed",
		`{"event_type":"email_bounced"}`:                              "bounced",
		`{"event_type":"Email_Bounced"}`:                              "bounced",
		`{"event_type":"email_complained"}`:                           "spammed",
		`{"event_type":"in_app_clicked"}`:                             "clicked",
		`{"event_type":"in_app_"}`:                                    "app_",
		`{"event_type":"customer_subscription_preferences_changed"}`:  "cio_subscription_preferences_changed",
		`{"event_type":"cio_subscription_preferences_changed"}`:       "cio_subscription_preferences_changed",
		`{"event_type":"email_link_clicked"}`:                         "link_clicked",
		`{"event_type":"bounced"}`:                                    "bounced",
		`{"event_type":"email_"}`:                                     "email_",
		`{"event_type":"_sent"}`:                                      "_sent",
		`{"event_type":null}`:                                         "",
		`{"event_type":"push_sent","metric":"opened"}`:                "opened",
		`{"event_type":"push_sent","metric":" "}`:                     "sent",
		`{"object_type":"email","event_type":"email_sent","data":{}}`: "sent",
	} {
		if e := parse(t, body); string(e.Metric) != want {
			t.Errorf("the metric of %s is %q, want %q", body, e.Metric, want)
		}
		requireSameEnvelope(t, []byte(body))
	}
}
