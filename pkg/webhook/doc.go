// Package webhook receives Customer.io's reporting webhooks: the calls that say
// that a message was sent, delivered, opened, clicked, bounced and so on.
//
// [Verifier.Verify] tells whether a request comes from Customer.io, and [Parse]
// decodes its body into an [Event]. Read the whole body first and give the same
// bytes to both: the signature covers the bytes, not their meaning, so JSON that
// was decoded and encoded again does not verify.
//
// Where an event only has to be filed under its name, [ParseEnvelope] is quicker
// than Parse, and [Strip] makes a body small that carries a whole message.
//
// # Keys
//
// A key is the "webhook signing key" of one Customer.io workspace, used as it is
// spelled. Customer.io replaces a key at once. To rotate without refusing a call,
// list the old and the new key in [VerifierConfig], change the key at
// Customer.io, and take the old one out after a week, when the last retry that
// may carry its signature is over. Verify returns the index of the key that
// matched, so that you can see which are in use. The bodies do not name their
// workspace: with several of them, tell them apart by key or by URL.
//
// # Answers
//
// Customer.io sends one event a call and waits 4 seconds for an answer. After
// anything but a 2xx it holds back every later event, and tries again for 7 days;
// what has failed until then is lost. After 400, 401, 403, 404, 429, 500, 502 or
// a broken connection it waits an hour before it tries again. Therefore:
//
//   - Answer 200 once the event is stored where a crash cannot lose it.
//   - Answer 503 when you cannot store it now: it is not on that list.
//   - Never answer 400 to a body that is signed but that you cannot read. It
//     will not be any better the next time. Keep its bytes and answer 200.
//   - Answer 401 to a bad signature, and raise an alarm.
//
// Events come more than once, [Event].ID tells, and in no particular order.
//
// # Compatibility
//
// Customer.io adds object types, metrics and fields without notice. They are not
// errors here: unknown words are kept, and Event.Raw has what Event
// has no field for. This package, in turn, may add fields to its structs and
// constants to its types; use field names in composite literals, and have a
// default in a switch. It does not remove or change any within a major version,
// except that a later version may read more out of a body than an earlier one.
// It depends on the standard library only.
//
// Package webhooktest has sample bodies and a simulated campaign for your tests.
package webhook
