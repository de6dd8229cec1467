package warehousetest

import "github.com/cioevents/cioevents/internal/warehouse"

// message are the columns that identify a message.
const message = "workspace, object_type, source, source_id, action_id, content_id"

var views = []view{
	{warehouse.Deliveries, `workspace, delivery_id, object_type, source, source_id, action_id, content_id, customer_id, recipient_domain, mailbox_provider, outcome, bounce_class, failure_message`, `
default d1  email campaign 7 - - p1 example.com other delivered - -
default d2  email campaign 7 - - p2 example.com other delivered - -
default d3  email campaign 7 - - p3 example.com other delivered - -
default d4  email campaign 7 - - p4 example.org other hard hard 550-5.1.1
default d5  push  campaign 8 - - p5 - - dropped - -
default d6  email transactional 3 - - p6 example.com other pending - -
default d7  sms   campaign 9 - - p7 - - unknown unknown 30003
default d8  email newsletter 20 - 201 p8  gmail.com gmail delivered - -
default d9  email newsletter 21 - -   p9  outlook.com microsoft delivered soft 452-4.2.2
default d10 email newsletter 21 - -   p10 outlook.com microsoft hard hard 550-5.1.1
default d11 email broadcast 30 31 -   p11 yahoo.com yahoo delivered - -
default d12 email newsletter 20 - 202 p12 gmail.com gmail delivered - -
default r1  email transactional password_reset - - q1 example.com other pending - -
default r2  email transactional password_reset - - q2 example.com other pending - -
default r3  email transactional password_reset - - q3 example.com other pending - -
default r4  email transactional password_reset - - q4 example.com other pending - -
default r5  email transactional password_reset - - q5 example.com other pending - -
other   d1  email campaign 7 - - p1 example.com other delivered - -`},

	{warehouse.Deliveries, `workspace, delivery_id, day, first_event_at, last_event_at, sent_at, deferred_at, delivered_at, bounced_at, human_opened_at, human_clicked_at,
		converted_at, unsubscribed_at, complained_at, human_opens, human_clicks, fast_click`, `
default d1  2025-09-01 09:00:00 09-02T00:40:00  09:00:00 - 09:00:10 - 09:01:50 09:02:00  09-02T00:40:00 - -  2 2 false
default d2  2025-09-01 09:00:00 09:04:00  09:00:00 - 09:00:10 - 09:03:30 -  - 09:04:00 -  1 0 -
default d3  2025-09-01 09:00:00 09:00:16  09:00:00 - 09:00:10 - - -  - - -  0 0 -
default d4  2025-09-01 09:00:00 09:00:40  09:00:00 - - 09:00:30 - -  - - -  0 0 -
default d5  2025-09-01 09:05:00 09:05:00  - - - - - -  - - -  0 0 -
default d6  2025-09-01 10:00:00 10:20:00  10:00:00 - - - 10:00:30 -  - - 10:20:00  1 0 -
default d7  2025-09-01 13:00:00 13:00:05  13:00:00 - - 13:00:05 - -  - - -  0 0 -
default d8  2025-09-01 14:00:00 14:05:00  14:00:00 - 14:00:10 - 14:00:12 14:00:12  - - -  0 2 true
default d9  2025-09-01 14:00:00 14:10:00  14:00:00 14:00:02 14:10:00 14:00:05 - -  - - -  0 0 -
default d10 2025-09-01 14:00:00 14:00:20  14:00:00 - 14:00:20 14:00:20 - -  - - -  0 0 -
default d11 2025-09-01 14:00:00 14:01:00  14:00:00 - 14:00:10 - 14:00:05 14:01:00  - - -  1 1 false
default d12 2025-09-02 09-02T00:30:00 09-02T04:30:00  09-02T00:30:00 - 09-02T00:30:10 - 09-02T04:30:00 -  - - -  1 0 -
default r1  2025-09-01 15:00:01 15:00:01  - - - - 15:00:01 15:00:01  - - -  0 1 -
default r2  2025-09-01 15:00:02 15:00:02  - - - - 15:00:02 15:00:02  - - -  0 1 -
default r3  2025-09-01 15:00:03 15:00:03  - - - - 15:00:03 15:00:03  - - -  0 1 -
default r4  2025-09-01 15:00:04 15:00:04  - - - - 15:00:04 15:00:04  - - -  0 1 -
default r5  2025-09-01 15:00:05 15:00:05  - - - - 15:00:05 15:00:05  - - -  0 1 -
other   d1  2025-09-01 12:00:00 12:00:13  12:00:00 - 12:00:10 - 12:00:13 12:00:13  - - -  0 1 false`},

	{warehouse.Daily, message + `, day, deliveries, sent, delivered, hard_bounces, soft_bounces, unknown_bounces, failed,
		human_opens, human_clicks, conversions, unsubscribes, complaints, delivered_outside_gmail`, `
default email campaign 7 - -                   2025-09-01  4 4 3 1 0 0 0  2 1 1 1 0 3
default push  campaign 8 - -                   2025-09-01  1 0 0 0 0 0 1  0 0 0 0 0 0
default sms   campaign 9 - -                   2025-09-01  1 1 0 0 0 1 0  0 0 0 0 0 0
default email transactional 3 - -              2025-09-01  1 1 0 0 0 0 0  1 0 0 0 1 0
default email transactional password_reset - - 2025-09-01  5 0 0 0 0 0 0  5 5 0 0 0 0
default email newsletter 20 - 201              2025-09-01  1 1 1 0 0 0 0  1 1 0 0 0 0
default email newsletter 20 - 202              2025-09-02  1 1 1 0 0 0 0  1 0 0 0 0 0
default email newsletter 21 - -                2025-09-01  2 2 1 1 0 0 0  0 0 0 0 0 1
default email broadcast 30 31 -                2025-09-01  1 1 1 0 0 0 0  1 1 0 0 0 1
other   email campaign 7 - -                   2025-09-01  1 1 1 0 0 0 0  1 1 0 0 0 1`},

	{warehouse.Messages, message + `, deliveries, sent, delivered, hard_bounces, soft_bounces, unknown_bounces, failed,
		human_opens, human_clicks, conversions, unsubscribes, complaints, delivered_outside_gmail`, `
default email campaign 7 - -                   4 4 3 1 0 0 0  2 1 1 1 0 3
default push  campaign 8 - -                   1 0 0 0 0 0 1  0 0 0 0 0 0
default sms   campaign 9 - -                   1 1 0 0 0 1 0  0 0 0 0 0 0
default email transactional 3 - -              1 1 0 0 0 0 0  1 0 0 0 1 0
default email transactional password_reset - - 5 0 0 0 0 0 0  5 5 0 0 0 0
default email newsletter 20 - 201              1 1 1 0 0 0 0  1 1 0 0 0 0
default email newsletter 20 - 202              1 1 1 0 0 0 0  1 0 0 0 0 0
default email newsletter 21 - -                2 2 1 1 0 0 0  0 0 0 0 0 1
default email broadcast 30 31 -                1 1 1 0 0 0 0  1 1 0 0 0 1
other   email campaign 7 - -                   1 1 1 0 0 0 0  1 1 0 0 0 1`},

	{warehouse.Messages, message + `, delivery_rate, open_rate, click_rate, click_to_open_rate, bounce_rate, complaint_rate, unsubscribe_rate`, `
default email campaign 7 - -                   0.75 0.667 0.333 0.5 0.25 0 0.333
default push  campaign 8 - -                   - - - - - - -
default sms   campaign 9 - -                   0 - - - 0 - -
default email transactional 3 - -              0 - - 0 0 - -
default email transactional password_reset - - - - - 1 - - -
default email newsletter 20 - 201              1 1 1 1 0 - 0
default email newsletter 20 - 202              1 1 0 0 0 - 0
default email newsletter 21 - -                0.5 0 0 - 0.5 0 0
default email broadcast 30 31 -                1 1 1 1 0 0 0
other   email campaign 7 - -                   1 1 1 1 0 0 0`},

	{warehouse.Messages, message + `, REPLACE(name, ' / ', '/')`, `
default email campaign 7 - -                   -
default push  campaign 8 - -                   -
default sms   campaign 9 - -                   -
default email transactional 3 - -              -
default email transactional password_reset - - Reset
default email newsletter 20 - 201              Spring
default email newsletter 20 - 202              Spring/B
default email newsletter 21 - -                -
default email broadcast 30 31 -                Alert/First
other   email campaign 7 - -                   -`},

	{warehouse.Messages + warehouse.Between + "('2025-09-02', '2025-09-03')", message + ", deliveries, sent, human_opens", `
default email newsletter 20 - 202 1 1 1`},

	{warehouse.ActivityDaily + warehouse.Between + "('2025-09-02', '2025-09-02')", message + ", day, sent, human_opens, human_clicks, events", `
default email campaign 7 - -      2025-09-02 0 1 1 3
default email newsletter 20 - 202 2025-09-02 1 1 0 3`},

	{warehouse.Links + warehouse.Between + "('2025-09-02', '2025-09-02')", message + ", link_id, url, human_clicks", `
default email campaign 7 - - 1 https://example.com/u/2 1`},

	{warehouse.PipelineLatency + warehouse.Between + "('2025-09-02', '2025-09-02')", "hour, events", `
2025-09-02     5
09-02T04:00:00 1`},

	{warehouse.ActivityDaily, message + `, day, sent, delivered, hard_bounces, soft_bounces, unknown_bounces, failed,
		human_opens, human_clicks, conversions, unsubscribes, complaints, events`, `
default email campaign 7 - -                   2025-09-01  4 3 1 0 0 0  2 1 0 1 0  16
default email campaign 7 - -                   2025-09-02  0 0 0 0 0 0  1 1 1 0 0  3
default push  campaign 8 - -                   2025-09-01  0 0 0 0 0 1  0 0 0 0 0  1
default sms   campaign 9 - -                   2025-09-01  1 0 0 0 1 0  0 0 0 0 0  2
default email transactional 3 - -              2025-09-01  1 0 0 0 0 0  1 0 0 0 1  3
default email transactional password_reset - - 2025-09-01  0 0 0 0 0 0  5 5 0 0 0  5
default email newsletter 20 - 201              2025-09-01  1 1 0 0 0 0  1 1 0 0 0  5
default email newsletter 20 - 202              2025-09-02  1 1 0 0 0 0  1 0 0 0 0  3
default email newsletter 21 - -                2025-09-01  2 2 1 1 0 0  0 0 0 0 0  7
default email broadcast 30 31 -                2025-09-01  1 1 0 0 0 0  1 1 0 0 0  4
default customer - - - -                       2025-09-01  0 0 0 0 0 0  0 0 0 0 0  2
default email - - - -                          -           0 0 0 0 0 0  0 0 0 0 0  1
other   email campaign 7 - -                   2025-09-01  1 1 0 0 0 0  1 1 0 0 0  3`},

	{warehouse.TimeToOpen, message + `, opened_deliveries, p50_seconds, p90_seconds, p99_seconds`, `
default email campaign 7 - -      2 150 190 199
default email transactional 3 - - 1 30 30 30
default email newsletter 20 - 201 1 2 2 2
default email newsletter 20 - 202 1 14390 14390 14390
default email broadcast 30 31 -   1 0 0 0
other   email campaign 7 - -      1 3 3 3`},

	{warehouse.Links, message + `, link_id, link_name, url, human_clicks, clicked_deliveries, people`, `
default email campaign 7 - -                   1 -   https://example.com/…       2 1 1
default email transactional password_reset - - 5 -   https://example.com/reset/… 5 5 5
default email newsletter 20 - 201              - -   https://example.org/a       2 1 1
default email broadcast 30 31 -                - cta https://example.org/cta     1 1 1
other   email campaign 7 - -                   1 -   https://example.com/        1 1 1`},

	{warehouse.Bounces, message + `, day, recipient_domain, mailbox_provider, bounce_class, failure_message, bounces`, `
default email campaign 7 - -    2025-09-01 example.org other     hard    550-5.1.1 2
default email newsletter 21 - - 2025-09-01 outlook.com microsoft soft    452-4.2.2 1
default email newsletter 21 - - 2025-09-01 outlook.com microsoft hard    550-5.1.1 1
default sms   campaign 9 - -    2025-09-01 -           -         unknown 30003     1`},

	{warehouse.Preferences, `workspace, day, changed_at, customer_id, cio_id, topic, subscribed`, `
default 2025-09-01 16:00:00 p2 - topic_1 true
default 2025-09-01 16:00:00 p2 - topic_7 false`},

	{warehouse.PipelineLatency, `hour, events, p50_ms, p90_ms, p99_ms`, `
09:00:00       17 1000 1000 1000
10:00:00       4  250  370  397
11:00:00       1  -    -    -
12:00:00       3  1000 1000 1000
13:00:00       2  1000 1000 1000
14:00:00       16 1000 1000 1000
15:00:00       5  1000 1000 1000
16:00:00       1  1000 1000 1000
2025-09-02     5  1000 1000 1000
09-02T04:00:00 1  1000 1000 1000`},
}

// fixtureNames name a source with a variant, a source with an action, and a source alone.
var fixtureNames = []warehouse.Name{
	{Source: "newsletter", SourceID: "20", Name: "Spring"},
	{Source: "newsletter", SourceID: "20", ContentID: 202, Name: "B"},
	{Source: "broadcast", SourceID: "30", Name: "Alert"},
	{Source: "broadcast", SourceID: "30", ActionID: 31, Name: "First"},
	{Source: "transactional", SourceID: "password_reset", Name: "Reset"},
	{Source: "campaign", SourceID: "700", Name: "Another"},
}

// In New York, the first day ends at 4:00 of the second day in UTC.
var viewsInNewYork = []view{
	{warehouse.Daily, "source, source_id, content_id, day, deliveries, sent, human_opens", `
campaign 7 -                   2025-09-01 4 4 2
campaign 7 -                   2025-09-01 1 1 1
campaign 8 -                   2025-09-01 1 0 0
campaign 9 -                   2025-09-01 1 1 0
transactional 3 -              2025-09-01 1 1 1
transactional password_reset - 2025-09-01 5 0 5
newsletter 20 201              2025-09-01 1 1 1
newsletter 20 202              2025-09-01 1 1 1
newsletter 21 -                2025-09-01 2 2 0
broadcast 30 -                 2025-09-01 1 1 1`},

	{warehouse.ActivityDaily, "source, source_id, content_id, day, sent, human_opens, conversions, events", `
campaign 7 -                   2025-09-01 4 2 1 19
campaign 7 -                   2025-09-01 1 1 0 3
campaign 8 -                   2025-09-01 0 0 0 1
campaign 9 -                   2025-09-01 1 0 0 2
transactional 3 -              2025-09-01 1 1 0 3
transactional password_reset - 2025-09-01 0 5 0 5
newsletter 20 201              2025-09-01 1 1 0 5
newsletter 20 202              2025-09-01 1 0 0 2
newsletter 20 202              2025-09-02 0 1 0 1
newsletter 21 -                2025-09-01 2 0 0 7
broadcast 30 -                 2025-09-01 1 1 0 4
- - -                          2025-09-01 0 0 0 2
- - -                          -          0 0 0 1`},

	{warehouse.Daily + warehouse.Between + "('2025-09-02', '2025-09-02')", "source", ``},

	{warehouse.ActivityDaily + warehouse.Between + "('2025-09-02', '2025-09-02')", "source_id, events", `
20 1`},
}
