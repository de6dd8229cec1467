package manifests_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/tlstest"
)

// A failure is what an alert is about.
type failure struct {
	alert string
	// cause causes the fault and lets the time pass in which the alert must fire.
	cause func(s *site)
	// undo removes what restore leaves. Default nothing.
	undo func(s *site)
	// made says that the alert asks for series of prometheus-nats-exporter, which
	// exporter_test.go makes from the report of a real NATS server.
	made bool
}

// failures has an entry for each alert.
func failures() []failure {
	// Complaints and bounces of other failures would let the alerts about mail fire.
	return slices.Concat(ingestFailures(), mailFailures(), workerFailures(), natsFailures())
}

func ingestFailures() []failure {
	return []failure{
		{alert: "CioeventsFeedStalled", cause: func(s *site) { s.pass(70, nil) }},
		{alert: "CioeventsIngestAbsent", cause: func(s *site) {
			s.stop(ingestPod)
			s.pass(7, nil)
		}},
		{alert: "CioeventsEverySignatureRefused", cause: func(s *site) {
			s.pass(20, func(int) { s.sendSigned("{}", "another key", s.now) })
		}},
		{alert: "CioeventsSomeSignaturesRefused", cause: func(s *site) {
			s.pass(20, func(minute int) {
				s.sendSigned("{}", "another key", s.now)
				s.traffic(minute)
			})
		}},
		{alert: "CioeventsClockSlow", cause: func(s *site) {
			s.pass(13, func(int) { s.sendSigned(s.body("sent", ""), signingKey, s.now.Add(2*time.Minute)) })
		}},
		{alert: "CioeventsNotStored", cause: func(s *site) {
			s.link.set(true, 0)
			s.pass(8, func(int) { s.send(s.body("sent", "")) })
		}},
		{alert: "CioeventsStreamRefuses", cause: func(s *site) {
			s.limit(stream.Name, 1)
			s.pass(2, func(int) { s.send(s.body("sent", "")) })
		}, undo: func(s *site) { s.limit(stream.Name, 4<<30) }},
		{alert: "CioeventsPublishSlow", cause: func(s *site) {
			s.link.set(false, 1100*time.Millisecond)
			s.pass(17, func(minute int) {
				if minute%4 == 0 {
					s.event("sent", "")
				}
			})
		}},
		{alert: "CioeventsCallsKept", cause: func(s *site) {
			s.pass(2, func(int) { s.send("no JSON") })
		}},
		{alert: "CioeventsCertificateExpires", cause: func(s *site) {
			cert, key := tlstest.NewPair(s.t, 1, s.now.Add(11*24*time.Hour))
			env := map[string]string{"TLS_CERT_FILE": s.write("tls.crt", cert), "TLS_KEY_FILE": s.write("tls.key", key)}
			s.ingest("ingest-tls", env)
			s.pass(62, nil)
		}},
	}
}

func workerFailures() []failure {
	return []failure{
		{alert: "CioeventsDeadLetters", cause: func(s *site) {
			s.deadLetter()
			s.pass(2, nil)
		}},
		{alert: "CioeventsDeadLettersWait", cause: func(s *site) {
			s.deadLetter()
			s.look(0)
			s.passSteps(26*12, 5*time.Minute, nil)
		}, undo: (*site).dropDeadLetters},
		{alert: "CioeventsDeadStreamMissing", cause: func(s *site) {
			// Another stream takes the subjects, so no worker can create the stream again.
			other := jetstream.StreamConfig{Name: "OTHER", Subjects: s.info(stream.DeadName).Config.Subjects}
			eventually(s.t, "the subjects are taken", func(ctx context.Context) error {
				deleted := s.js.DeleteStream(ctx, stream.DeadName)
				_, err := s.js.CreateStream(ctx, other)
				return errors.Join(deleted, err)
			})
			s.until(workerPod, 1, "absent(cioevents_dead_letters)")
			s.pass(4, nil)
		}, undo: func(s *site) {
			s.mustDo(s.js.DeleteStream(s.t.Context(), "OTHER"))
			s.stop(workerPod)
			s.worker(workerPod, nil) // which creates the stream
			s.until(workerPod, 0, "cioevents_dead_letters")
		}},
		{alert: "CioeventsDeadStreamFillsUp", cause: func(s *site) {
			s.deadLetter()
			s.limit(stream.DeadName, int64(float64(s.info(stream.DeadName).State.Bytes)/0.85))
			s.look(0)
			s.pass(17, nil)
		}, undo: func(s *site) {
			s.limit(stream.DeadName, -1)
			s.dropDeadLetters()
		}},
		{alert: "CioeventsEventsMissing", cause: func(s *site) {
			s.audited(3, s.now)
			s.pass(2, nil)
		}, undo: func(s *site) { s.audited(0, s.now) }},
		{alert: "CioeventsAuditOld", cause: func(s *site) {
			s.audited(0, s.now.AddDate(0, 0, -3))
			s.pass(7, nil)
		}, undo: func(s *site) { s.audited(0, s.now) }},
		{alert: "CioeventsSuppressionsHeld", cause: func(s *site) {
			s.holdSuppressions()
			s.look(0)
			s.pass(2, nil)
		}},
		{alert: "CioeventsHeldSuppressionsExpire", cause: func(s *site) {
			s.look(81 * 24 * time.Hour)
			s.pass(2, nil)
		}, undo: (*site).dropDeadLetters},
		{alert: "CioeventsBatchesHeld", cause: func(s *site) {
			// The folder cannot exist, so the second warehouse cannot be opened.
			env := map[string]string{"WORKER_CONSUMERS": "warehouse", "WAREHOUSE_URL": "duckdb:" + s.dir + "/events.duckdb,parquet:/proc/no/folder"}
			s.stop(workerPod)
			for i := range 4 {
				s.worker(fmt.Sprint("worker-", i+1), env)
			}
			s.event("sent", "")
			s.pass(1, nil)
			for i := range 4 {
				s.until(fmt.Sprint("worker-", i+1), 5, `cioevents_worker_batch_errors_total{pod="POD"}`)
			}
			s.pass(8, nil)
		}, undo: func(s *site) { s.forget("warehouse-parquet") }},
		{alert: "CioeventsWarehouseRefused", cause: func(s *site) {
			s.worker("worker-1", map[string]string{"WORKER_CONSUMERS": "warehouse", "WAREHOUSE_URL": "duckdb:" + s.dir + "/other.duckdb"})
			s.until("worker-1", 1, "cioevents_warehouse_refused")
			s.pass(7, nil)
		}},
		{alert: "CioeventsTrackDown", cause: func(s *site) {
			s.answerTrack(http.StatusServiceUnavailable)
			s.effectsWorker("worker-1", nil)
			s.until("worker-1", 1, "cioevents_track_down")
			s.pass(12, nil)
		}},
		{alert: "CioeventsCredentialsRefused", cause: func(s *site) {
			s.effectsWorker("worker-1", map[string]string{"CUSTOMERIO_TRACK_API_KEY": "wrong"})
			s.pass(1, nil)
			s.until("worker-1", 3, `cioevents_track_calls_total{outcome="unauthorized"}`)
			s.pass(1, nil)
		}},
		{alert: "CioeventsRateLimited", cause: (*site).refuseByRate},
		{alert: "CioeventsRowsRejected", cause: func(s *site) {
			// No warehouse stores a time in the year 0.
			m := &nats.Msg{Subject: "customerio.events.default.email.sent", Data: []byte(s.body("sent", "")), Header: nats.Header{"Cio-Received-At": {"0000-01-01T00:00:00Z"}}}
			_, err := s.js.PublishMsg(s.t.Context(), m)
			s.mustDo(err)
			s.until(workerPod, 1, `cioevents_warehouse_rows_total{result="rejected"}`)
			s.pass(2, nil)
		}, undo: (*site).dropDeadLetters},
		{alert: "CioeventsManySuppressions", cause: func(s *site) {
			s.many("spammed", "", 1100)
			s.settle()
			s.pass(2, nil)
		}},
		{alert: "CioeventsOtherRecipients", cause: func(s *site) {
			s.many("bounced", otherAddress, 100)
			s.settle()
			s.pass(20, nil)
		}},
		{alert: "CioeventsStreamBroken", cause: func(s *site) {
			s.edit(stream.Name, func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld })
			s.look(0)
			s.pass(3, nil)
			// Before restore, which waits until ingest is ready: ingest may have seen the edit.
			s.edit(stream.Name, func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardNew })
		}},
		{alert: "CioeventsStreamDiffers", cause: func(s *site) {
			s.edit(stream.Name, func(c *jetstream.StreamConfig) { c.MaxAge *= 2 })
			s.look(0)
			s.pass(63, nil)
		}, undo: func(s *site) {
			s.edit(stream.Name, func(c *jetstream.StreamConfig) { c.MaxAge /= 2 })
		}},
		{alert: "CioeventsStreamRecreated", cause: func(s *site) {
			const recreated = `cioevents_streams_recreated_total{stream="CUSTOMERIO_DEAD"}`
			before := s.until(workerPod, 0, recreated)
			s.mustDo(s.js.DeleteStream(s.t.Context(), stream.DeadName))
			s.until(workerPod, before+1, recreated)
			s.pass(1, nil)
		}},
		{alert: "CioeventsConsumerPaused", cause: func(s *site) {
			_, err := s.js.PauseConsumer(s.t.Context(), stream.Name, "suppression", time.Now().Add(time.Hour))
			s.mustDo(err)
			s.look(0)
			s.pass(12, nil)
		}, undo: func(s *site) {
			_, err := s.js.ResumeConsumer(s.t.Context(), stream.Name, "suppression")
			s.mustDo(err)
		}},
		{alert: "CioeventsStreamUnseen", cause: func(s *site) {
			s.stop(workerPod)
			s.pass(16, nil)
		}},
		{alert: "CioeventsLagOld", cause: func(s *site) {
			s.leaveOne()
			s.look(2 * time.Hour)
			s.pass(17, nil)
		}},
		{alert: "CioeventsEventsExpire", cause: func(s *site) {
			s.leaveOne()
			s.look(16 * 24 * time.Hour) // of 30 days
			s.pass(7, nil)
		}},
		{alert: "CioeventsConsumerHeld", cause: func(s *site) {
			// NATS refuses the user of ingest what a worker needs.
			s.effectsWorker("worker-1", map[string]string{"NATS_URL": s.nats.url("ingest")})
			s.pass(7, nil)
		}},
	}
}

func natsFailures() []failure {
	return []failure{
		{alert: "CioeventsSuppressionLags", made: true, cause: func(s *site) {
			s.stop(workerPod)
			s.many("spammed", "", 1100)
			s.pass(12, nil)
		}},
		{alert: "CioeventsLagGrows", made: true, cause: func(s *site) {
			s.stop(workerPod)
			s.publish(10_100, "default", "sent")
			s.pass(65, func(int) { s.publish(5, "default", "sent") })
		}, undo: func(s *site) { s.mustDo(s.eventStream().Purge(s.t.Context())) }},
		{alert: "CioeventsConsumerStands", made: true, cause: func(s *site) {
			s.leaveOne()
			s.pass(14, nil)
		}},
		{alert: "CioeventsStreamFillsUp", made: true, cause: func(s *site) {
			s.event("sent", "")
			s.limit(stream.Name, int64(float64(s.info(stream.Name).State.Bytes)/0.75))
			s.pass(17, nil)
		}, undo: func(s *site) { s.limit(stream.Name, 4<<30) }},
		{alert: "CioeventsStoreFillsUp", made: true, cause: func(s *site) {
			s.fillSpare()
			s.pass(17, nil)
		}},
		// A server with a stream of the same name stands for a replica that lacks a message.
		{alert: "CioeventsReplicaIncomplete", made: true, cause: func(s *site) {
			replica := startNATS(s.t, s.build)
			replica.fill(s.t, 3, 10)
			st, err := replica.operator(s.t).Stream(s.t.Context(), stream.Name)
			s.mustDo(err)
			s.mustDo(st.DeleteMsg(s.t.Context(), 2))
			s.spare = append(s.spare, replica.servers...)
			s.pass(17, nil)
		}, undo: func(s *site) { s.spare = s.spare[:2] }},
		{alert: "CioeventsNatsUnhealthy", made: true, cause: func(s *site) {
			s.mustDo(s.spare[1].DisableJetStream())
			s.pass(17, nil)
		}},
		{alert: "CioeventsNatsServerMissing", made: true, cause: func(s *site) {
			s.spare[1].Shutdown()
			s.pass(7, nil)
		}},
	}
}
