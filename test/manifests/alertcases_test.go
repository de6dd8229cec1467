package manifests_test

import (
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
)

// An alertCase is made-up series, a sample a minute in the notation of promtool's
// tests, and whether the alert fires at the end of them.
type alertCase struct {
	alert, name string
	minutes     int
	series      []string
	want        bool
}

// TestAlertsFire: every rule fires in one case at least, and does not in another.
func TestAlertsFire(t *testing.T) {
	t.Parallel()
	rules := load(t, "production").alerts()
	cases := slices.Concat(ingestCases(), workerCases(), mailCases(), streamCases())
	for _, c := range cases {
		t.Run(c.alert+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(rules, func(r monitoringv1.Rule) bool { return r.Alert == c.alert })
			if i < 0 {
				t.Fatal("there is no such alert")
			}
			if got := fires(t, &rules[i], parseSeries(t, c.series), c.minutes); got != c.want {
				t.Errorf("fires: %t", got)
			}
		})
	}
	for _, r := range rules {
		for _, want := range []bool{true, false} {
			if !slices.ContainsFunc(cases, func(c alertCase) bool { return c.alert == r.Alert && c.want == want }) {
				t.Errorf("%s: no case has it fire: %t", r.Alert, want)
			}
		}
	}
}

// answers are calls that ingest answered.
func answers(outcome, values string) string {
	return `cioevents_ingest_answers_total{outcome="` + outcome + `",pod="a"} ` + values
}

func ingestCases() []alertCase {
	const (
		signed = `cioevents_ingest_last_signed_timestamp_seconds{workspace="default",pod="a"} `
		other  = `cioevents_ingest_last_signed_timestamp_seconds{workspace="other",pod="a"} `
		match  = `cioevents_ingest_key_matches_total{workspace="default",key="0",pod="a"} `
		bucket = `cioevents_ingest_publish_seconds_bucket{pod="a",le=`
		ahead  = `cioevents_ingest_call_ahead_seconds{pod="a"} `
		ends   = `cioevents_ingest_tls_not_after_timestamp_seconds{pod="a"} `
	)
	return []alertCase{
		{"CioeventsFeedStalled", "a call a minute", 120, []string{signed + "0+60x120"}, false},
		{"CioeventsFeedStalled", "none for 100 minutes", 120, []string{signed + "1200x120"}, true},
		{"CioeventsFeedStalled", "none in one of two workspaces", 120, []string{signed + "0+60x120", other + "1200x120"}, true},
		{"CioeventsFeedStalled", "a pod that was restarted a minute ago", 120, []string{signed + "0+60x118 0 0"}, false},
		{"CioeventsFeedStalled", "never one, for two hours", 120, []string{signed + "0x120"}, true},
		{"CioeventsFeedStalled", "never one, for 55 minutes", 55, []string{signed + "0x55"}, false},
		{"CioeventsFeedStalled", "never one, another pod every 20 minutes", 80, []string{
			signed + "0x20 stale", strings.Replace(signed, `"a"`, `"b"`, 1) + "_x20 0x20 stale", strings.Replace(signed, `"a"`, `"c"`, 1) + "_x40 0x40",
		}, true},
		{"CioeventsFeedStalled", "never one in a workspace that was added 30 minutes ago", 120, []string{signed + "0+60x120", other + "_x90 0x30"}, false},
		{"CioeventsIngestAbsent", "no ingest", 5, nil, true},
		{"CioeventsIngestAbsent", "one without calls", 5, []string{answers("stored", "0x5")}, false},
		{"CioeventsEverySignatureRefused", "a wrong key", 30, []string{answers("invalid_signature", "0+1x30"), match + "7x30"}, true},
		{"CioeventsEverySignatureRefused", "a scanner beside Customer.io", 30, []string{answers("invalid_signature", "0+1x30"), match + "0+5x30"}, false},
		{"CioeventsEverySignatureRefused", "nobody calls", 30, []string{answers("invalid_signature", "3x30"), match + "7x30"}, false},
		{"CioeventsSomeSignaturesRefused", "again and again", 60, []string{answers("timestamp", "0+1x60")}, true},
		{"CioeventsSomeSignaturesRefused", "once", 60, []string{answers("timestamp", "0x55 1x4")}, false},
		{"CioeventsEverySignatureRefused", "a spoilt header", 30, []string{answers("signature_header", "0+1x30"), match + "7x30"}, true},
		{"CioeventsClockSlow", "five minutes, with retries between", 30, []string{ahead + "300 -3600 300 -3600 300 -3600 300 -3600 300 -3600 300 -3600 300 -3600 300 -3600 300 -3600 300 -3600 300x10"}, true},
		{"CioeventsClockSlow", "a right clock", 30, []string{ahead + "0x30"}, false},
		{"CioeventsClockSlow", "one odd call", 30, []string{ahead + "0x20 300 0x9"}, false},
		{"CioeventsNotStored", "for long", 30, []string{answers("busy", "0+1x30")}, true},
		{"CioeventsNotStored", "for a moment", 30, []string{answers("busy", "0x25 5x4")}, false},
		{"CioeventsNotStored", "a deployment", 30, []string{answers("draining", "0+1x30")}, false},
		{"CioeventsStreamRefuses", "once", 30, []string{answers("stream_full", "0x27 1x2")}, true},
		{"CioeventsStreamRefuses", "the server's store", 30, []string{answers("store_full", "0x27 1x2")}, true},
		{"CioeventsStreamRefuses", "long ago", 30, []string{answers("stream_full", "1x30")}, false},
		{"CioeventsPublishSlow", "over a second", 30, []string{bucket + `"1"} 0+1x30`, bucket + `"2.5"} 0+100x30`, bucket + `"+Inf"} 0+100x30`}, true},
		{"CioeventsPublishSlow", "under a second", 30, []string{bucket + `"1"} 0+100x30`, bucket + `"2.5"} 0+100x30`, bucket + `"+Inf"} 0+100x30`}, false},
		{"CioeventsCallsKept", "one", 30, []string{answers("kept", "0x27 1x2")}, true},
		{"CioeventsCallsKept", "long ago", 30, []string{answers("kept", "1x30")}, false},
		{"CioeventsCertificateExpires", "in 11 days", 90, []string{ends + "1000000x90"}, true},
		{"CioeventsCertificateExpires", "in 23 days", 90, []string{ends + "2000000x90"}, false},
		{"CioeventsCertificateExpires", "somebody else's", 90, nil, false},
	}
}

// series of the worker, with its labels.
const (
	deadLetter = `cioevents_worker_dead_letters_total{consumer="suppression",reason="rejected"} `
	heldLetter = `cioevents_worker_dead_letters_total{consumer="suppression",reason="held_suppression"} `
	held       = `cioevents_worker_batch_errors_total{consumer="warehouse"} `
	refused    = `cioevents_warehouse_refused{consumer="warehouse",pod=`
	down       = `cioevents_track_down{workspace="default",cause="outage",pod="a"} `
	age        = `cioevents_oldest_unacked_seconds{consumer="warehouse",pod="a"} `
	ageToo     = `cioevents_oldest_unacked_seconds{consumer="warehouse",pod="b"} `
	ready      = `cioevents_consumer_ready{consumer="suppression",`
	maxAge     = `cioevents_stream_max_age_seconds{pod="a"} `
	others     = `cioevents_effects_other_recipient_total{workspace="default",metric="bounced",pod="a"} `
	othersToo  = `cioevents_effects_other_recipient_total{workspace="acme",metric="bounced",pod="a"} `
	bounces    = `cioevents_ingest_events_total{workspace="default",object_type="email",metric="bounced",pod="b"} `
	bouncesToo = `cioevents_ingest_events_total{workspace="acme",object_type="email",metric="bounced",pod="b"} `
)

func calls(call, outcome, values string) string {
	return `cioevents_track_calls_total{call="` + call + `",outcome="` + outcome + `"} ` + values
}

const paused = `cioevents_consumer_paused_seconds{consumer="warehouse",pod="a"} `

func problems(kind, pod, values string) string {
	return `cioevents_stream_problems{stream="CUSTOMERIO",kind="` + kind + `",pod="` + pod + `"} ` + values
}

// audited is a series of the last audit of a workspace.
func audited(name, workspace, values string) string {
	return `cioevents_audit_` + name + `{workspace="` + workspace + `",pod="a"} ` + values
}

func workerCases() []alertCase {
	rows := func(result string) string {
		return `cioevents_warehouse_rows_total{consumer="warehouse",result="` + result + `"} 0x27 1x2`
	}
	return []alertCase{
		{"CioeventsDeadLetters", "a new one", 30, []string{deadLetter + "0x25 1x4"}, true},
		{"CioeventsDeadLetters", "an old one", 30, []string{deadLetter + "1x30"}, false},
		{"CioeventsDeadStreamMissing", "no number of dead letters", 10, []string{"cioevents_stream_messages 0x10"}, true},
		{"CioeventsDeadStreamMissing", "an empty stream of dead letters", 10, []string{"cioevents_stream_messages 7x10", "cioevents_dead_letters 0x10"}, false},
		{"CioeventsDeadStreamMissing", "recreated at once", 10, []string{"cioevents_stream_messages 7x10", "cioevents_dead_letters 3x4 _ 0x5"}, false},
		{"CioeventsDeadStreamFillsUp", "81 %", 20, []string{"cioevents_dead_stream_bytes 81x20", "cioevents_dead_stream_max_bytes 100x20"}, true},
		{"CioeventsDeadStreamFillsUp", "79 %", 20, []string{"cioevents_dead_stream_bytes 79x20", "cioevents_dead_stream_max_bytes 100x20"}, false},
		{"CioeventsDeadStreamFillsUp", "no limit", 20, []string{"cioevents_dead_stream_bytes 81x20", "cioevents_dead_stream_max_bytes 0x20"}, false},
		{"CioeventsStreamBroken", "seen by one pod", 10, []string{problems("breaking", "a", "0x10"), problems("breaking", "b", "0x5 1x5")}, true},
		{"CioeventsStreamBroken", "another difference", 10, []string{problems("other", "a", "1x10"), problems("breaking", "a", "0x10")}, false},
		{"CioeventsStreamDiffers", "for two hours", 120, []string{problems("other", "a", "1x120")}, true},
		{"CioeventsStreamDiffers", "during a rollout", 120, []string{problems("other", "a", "0x70 1x30 0x19")}, false},
		{"CioeventsStreamRecreated", "once", 30, []string{`cioevents_streams_recreated_total{stream="CUSTOMERIO",pod="a"} 0x20 1x9`}, true},
		{"CioeventsStreamRecreated", "yesterday", 120, []string{`cioevents_streams_recreated_total{stream="CUSTOMERIO",pod="a"} 1x120`}, false},
		{"CioeventsEventsMissing", "in one of two workspaces", 10, []string{audited("missing_events", "acme", "0x10"), audited("missing_events", "other", "0x5 3x5")}, true},
		{"CioeventsEventsMissing", "none", 10, []string{audited("missing_events", "acme", "3x5 0x4")}, false},
		{"CioeventsAuditOld", "three days ago", 4400, []string{audited("timestamp_seconds", "acme", "60x4400")}, true},
		{"CioeventsAuditOld", "every day", 4400, []string{audited("timestamp_seconds", "acme", "60x1400 86400x1400 172800x1599")}, false},
		{"CioeventsAuditOld", "never", 4400, []string{audited("timestamp_seconds", "acme", "0x4400")}, false},
		{"CioeventsConsumerPaused", "for two hours", 15, []string{paused + "7200-60x15"}, true},
		{"CioeventsConsumerPaused", "for five minutes", 15, []string{paused + "0x5 300-60x5 0x4"}, false},
		{"CioeventsDeadLettersWait", "for a day", 1500, []string{"cioevents_dead_letters 2x1500"}, true},
		{"CioeventsDeadLettersWait", "since this morning", 1500, []string{"cioevents_dead_letters 0x1000 2x499"}, false},
		{"CioeventsDeadLettersWait", "beside held suppressions", 1500, []string{"cioevents_dead_letters 5x1500", "cioevents_held_suppressions 3x1500"}, true},
		{"CioeventsDeadLettersWait", "held suppressions only", 1500, []string{"cioevents_dead_letters 3x1500", "cioevents_held_suppressions 3x1500"}, false},
		{"CioeventsDeadLetters", "a held suppression", 30, []string{heldLetter + "0x25 1x4"}, false},
		{"CioeventsSuppressionsHeld", "one", 10, []string{"cioevents_held_suppressions 0x5 1x4"}, true},
		{"CioeventsSuppressionsHeld", "none", 10, []string{"cioevents_held_suppressions 0x10", "cioevents_dead_letters 3x10"}, false},
		{"CioeventsHeldSuppressionsExpire", "80 days", 10, []string{"cioevents_held_suppressions 3x10", "cioevents_dead_letters_oldest_seconds 6912001x10"}, true},
		{"CioeventsHeldSuppressionsExpire", "79 days", 10, []string{"cioevents_held_suppressions 3x10", "cioevents_dead_letters_oldest_seconds 6825600x10"}, false},
		{"CioeventsHeldSuppressionsExpire", "others for 80 days", 10, []string{"cioevents_held_suppressions 0x10", "cioevents_dead_letters_oldest_seconds 6912001x10"}, false},
		{"CioeventsBatchesHeld", "for 30 minutes", 30, []string{held + "0+1x30"}, true},
		{"CioeventsBatchesHeld", "once", 30, []string{held + "0x20 1x9"}, false},
		{"CioeventsWarehouseRefused", "one of two pods", 10, []string{refused + `"a"} 0x10`, refused + `"b"} 1x10`}, true},
		{"CioeventsWarehouseRefused", "during a move", 10, []string{refused + `"b"} 1x7 0x3`}, false},
		{"CioeventsTrackDown", "for 15 minutes", 15, []string{down + "1x15"}, true},
		{"CioeventsTrackDown", "for 5 minutes", 15, []string{down + "0x10 1x4"}, false},
		{"CioeventsCredentialsRefused", "once", 30, []string{calls("identify", "unauthorized", "0x27 1x2")}, true},
		{"CioeventsCredentialsRefused", "an outage", 30, []string{calls("identify", "unavailable", "0x27 1x2")}, false},
		{"CioeventsRateLimited", "two a second", 60, []string{calls("batch", "rate_limited", "0+120x60")}, true},
		{"CioeventsRateLimited", "six a minute", 60, []string{calls("batch", "rate_limited", "0+6x60")}, false},
		{"CioeventsRowsRejected", "one", 30, []string{rows("rejected")}, true},
		{"CioeventsRowsRejected", "a duplicate", 30, []string{rows("duplicate")}, false},
		{"CioeventsManySuppressions", "20 a minute", 60, []string{calls("suppress", "ok", "0+20x60")}, true},
		{"CioeventsManySuppressions", "10 a minute", 60, []string{calls("suppress", "ok", "0+10x60")}, false},
		{"CioeventsManySuppressions", "20 updates a minute", 60, []string{calls("identify", "ok", "0+20x60")}, false},
		{"CioeventsOtherRecipients", "half of them", 1500, []string{others + "0+1x1500", bounces + "0+2x1500"}, true},
		{"CioeventsOtherRecipients", "a tenth of them", 1500, []string{others + "0+1x1500", bounces + "0+10x1500"}, false},
		{"CioeventsOtherRecipients", "three of four in a day", 1500, []string{others + "0x1400 3x99", bounces + "0x1400 4x99"}, false},
		{"CioeventsOtherRecipients", "half of another workspace", 1500, []string{others + "0+1x1500", bounces + "0+20x1500", othersToo + "0+1x1500", bouncesToo + "0+2x1500"}, true},
		{"CioeventsOtherRecipients", "opens only", 1500, []string{strings.Replace(others, "bounced", "opened", 1) + "0+1x1500", bounces + "0+2x1500"}, false},
		{"CioeventsStreamUnseen", "no worker", 15, nil, true},
		{"CioeventsStreamUnseen", "an empty stream", 15, []string{"cioevents_stream_messages 0x15"}, false},
		{"CioeventsConsumerHeld", "in one of two workers", 15, []string{ready + `pod="a"} 1x15`, ready + `pod="b"} 0x15`}, true},
		{"CioeventsConsumerHeld", "while a consumer is restored", 15, []string{ready + `pod="a"} 1x12 0 1x2`}, false},
		{"CioeventsLagOld", "over an hour", 30, []string{age + "4000x30", ageToo + "3990x30"}, true},
		{"CioeventsLagOld", "under an hour", 30, []string{age + "3000x30", ageToo + "2990x30"}, false},
		{"CioeventsLagOld", "for 10 minutes", 30, []string{age + "0x20 4000x9"}, false},
		{"CioeventsEventsExpire", "15.1 of 30 days", 10, []string{age + "1305000x10", maxAge + "2592000x10"}, true},
		{"CioeventsEventsExpire", "14 of 30 days", 10, []string{age + "1209600x10", maxAge + "2592000x10"}, false},
		{"CioeventsEventsExpire", "15 days of ever", 10, []string{age + "1305000x10", maxAge + "0x10"}, false},
	}
}

func streamCases() []alertCase {
	const leader = `{account="CIOEVENTS",stream_name="CUSTOMERIO",is_stream_leader="true"} `
	of := func(instrument, consumer, isLeader, values string) string {
		return "jetstream_consumer_num_" + instrument + `{account="CIOEVENTS",stream_name="CUSTOMERIO",consumer_name="` + consumer + `",is_consumer_leader="` + isLeader + `"} ` + values
	}
	server := func(instrument, name, values string) string {
		return "jetstream_server_" + instrument + `{server_name="` + name + `"} ` + values
	}
	health := func(said, values string) string {
		return `gnatsd_healthz_status{pod="nats-0",value="` + said + `"} ` + values
	}
	filled := func(bytes, limit string) []string {
		return []string{"jetstream_stream_total_bytes" + leader + bytes + "x20", "jetstream_stream_limit_bytes" + leader + limit + "x20"}
	}
	copies := func(first, last, messages, others string) (list []string) {
		for server, values := range map[string][3]string{"nats-0": {first, last, messages}, "nats-1": {"1", "100", others}} {
			for i, instrument := range []string{"first_seq", "last_seq", "total_messages"} {
				list = append(list, "jetstream_stream_"+instrument+`{account="CIOEVENTS",stream_name="CUSTOMERIO",server_name="`+server+`"} `+values[i]+"x20")
			}
		}
		return list
	}
	idle := []string{of("pending", "suppression", "true", "5x15"), of("waiting", "suppression", "true", "0x15"), of("ack_pending", "suppression", "true", "0x15")}
	return []alertCase{
		{"CioeventsSuppressionLags", "2,000", 15, []string{of("pending", "suppression", "true", "2000x15")}, true},
		{"CioeventsSuppressionLags", "2,000 of a workspace", 15, []string{of("pending", "suppression-acme", "true", "2000x15")}, true},
		{"CioeventsSuppressionLags", "500", 15, []string{of("pending", "suppression", "true", "500x15")}, false},
		{"CioeventsSuppressionLags", "2,000 rows", 15, []string{of("pending", "warehouse", "true", "2000x15")}, false},
		{"CioeventsLagGrows", "it grows", 90, []string{of("pending", "warehouse", "true", "10000+100x90")}, true},
		{"CioeventsLagGrows", "it shrinks", 90, []string{of("pending", "warehouse", "true", "90000-100x90")}, false},
		{"CioeventsLagGrows", "a follower that tells old numbers", 90, []string{of("pending", "warehouse", "false", "10000+100x90")}, false},
		{"CioeventsConsumerStands", "nobody asks", 15, append(idle, down+"0x15"), true},
		{"CioeventsConsumerStands", "the Track API is down", 15, append(idle, down+"1x15"), false},
		{"CioeventsConsumerStands", "a worker is busy", 15, append(idle[:2:2], of("ack_pending", "suppression", "true", "9x15")), false},
		{"CioeventsStreamFillsUp", "71 %", 20, filled("71", "100"), true},
		{"CioeventsStreamFillsUp", "69 %", 20, filled("69", "100"), false},
		{"CioeventsStreamFillsUp", "no limit", 20, filled("69", "-1"), false},
		{"CioeventsStoreFillsUp", "81 %", 20, []string{server("total_message_bytes", "nats-0", "81x20"), server("max_storage", "nats-0", "100x20")}, true},
		{"CioeventsStoreFillsUp", "79 %", 20, []string{server("total_message_bytes", "nats-0", "79x20"), server("max_storage", "nats-0", "100x20")}, false},
		{"CioeventsReplicaIncomplete", "a cut file", 20, copies("1", "100", "40", "100"), true},
		{"CioeventsReplicaIncomplete", "deleted everywhere", 20, copies("1", "100", "40", "40"), false},
		{"CioeventsReplicaIncomplete", "behind, and expired earlier", 20, copies("3", "90", "88", "100"), false},
		{"CioeventsNatsServerMissing", "three servers", 10, []string{server("total_streams", "nats-0", "2x10"), server("total_streams", "nats-1", "2x10"), server("total_streams", "nats-2", "2x10")}, false},
		{"CioeventsNatsServerMissing", "two servers", 10, []string{server("total_streams", "nats-0", "2x10"), server("total_streams", "nats-1", "2x10")}, true},
		{"CioeventsNatsServerMissing", "no server", 10, nil, true},
		{"CioeventsNatsUnhealthy", "a write error", 30, []string{health("write error", "1x30")}, true},
		{"CioeventsNatsUnhealthy", "an exporter without the label", 30, []string{`gnatsd_healthz_status{pod="nats-0"} 1x30`}, true},
		{"CioeventsNatsUnhealthy", "a restart", 30, []string{health("not current", "1x20 0x10")}, false},
		{"CioeventsNatsUnhealthy", "well", 30, []string{health("ok", "0x30")}, false},
	}
}
