// Package webhook receives Customer.io's reporting webhooks: the calls that report
// that a message was sent, delivered, opened, clicked, bounced and so on.
//
// [Handler] is a receiver: an http.Handler that verifies a call, parses its body, passes
// the [Event] to your function and gives the answers below. Package webhooktest checks
// receivers of any kind.
//
// A program without net/http calls [Verifier.VerifySignature] and [Parse] itself. Read the
// whole body first and pass the same bytes to both. The signature covers the bytes, not
// their meaning: JSON that was decoded and encoded again does not verify.
//
// [ParseEnvelope] is quicker than Parse and reads only the id, the object type and the
// metric of an event. [Strip] removes the content of a message from a large body.
// [ClassifyBounce] tells hard bounces from soft bounces. [SameMailbox] tells whether a
// message went to a person's own address. [Event.Key] identifies an event.
//
// # Keys
//
// A key is the "webhook signing key" of a Customer.io workspace, exactly as Customer.io
// shows it. Customer.io replaces a key at once. To rotate without refusing a call:
//
//  1. List the old and the new key in [VerifierConfig].
//  2. Change the key at Customer.io.
//  3. Remove the old key after a week. Until then a retry may carry the old signature.
//
// Verify returns the index of the matching key, which shows the keys in use. A body does
// not name its workspace: with several workspaces, tell them apart by key or by URL.
//
// # Answers
//
// Customer.io sends an event per call and waits 4 seconds for an answer. After any
// answer except 2xx, Customer.io holds back every later event and retries for 7 days.
// An event that still fails after 7 days is lost. After 400, 401, 403, 404, 429, 500,
// 502 or a broken connection, Customer.io waits an hour before the retry. Therefore:
//
//   - Answer 200 when the event is stored where a crash cannot lose it.
//   - Answer 503 when you cannot store the event now: 503 does not cost an hour.
//   - Answer 503 after a panic, too. Handler does. In a handler of your own recover
//     yourself: net/http drops the connection, the recovery middleware of a framework
//     answers 500, and AWS Lambda answers 502, also to an error that a function returns.
//   - Never answer 400 to a signed body that you cannot read: the retry has the same
//     body. Keep the bytes and answer 200.
//   - Answer 401 to an invalid signature, and raise an alarm.
//
// Customer.io repeats events, with the same [Event].ID, and sends them in no particular
// order.
//
// # Compatibility
//
// Customer.io adds object types, metrics and fields without notice. New words are not
// errors: Parse keeps unknown object types and metrics, and Event.Raw contains the
// fields that Event lacks. This package may add fields to its structs and constants to
// its types; use field names in composite literals, and a default in a switch. Within a
// major version the package removes and changes nothing, except that a later version
// may read more out of a body and classify more bounces. The package depends on the
// standard library only.
//
// Package webhooktest has sample bodies and simulated messages for your tests.
package webhook
