package webhook

import "slices"

// A statusCode is the code in a failure message: the class '4' or '5' (0 without a
// code), and either subject and detail of an enhanced code or a plain reply code.
type statusCode struct {
	class           byte
	subject, detail string
	reply           string
}

var (
	// enhancedCode checks the neighbours: "192.168.5.1.1", "5.1.1.1" and "v5.1.1" are
	// not codes.
	enhancedCode = expression(`(?:^|[^\w.])([45])\.([0-7])\.(\d{1,3})(?:$|[^\w.@/]|\.(?:$|\W))`)
	// replyCode matches a code at the beginning, after punctuation, or after a word that
	// announces a code: "size 552" and "id 550" are not codes. A number with a unit of
	// measure is not a code either.
	replyCode = expression(
		`(?:^|[;:,('"\[<>] ?|\b(?:smtp|error|code|status|reply|response|said|returned|with) )` +
			`(4[2-5]\d|5[0-5]\d)(?:$|[- :;,)'"\]>]|\.(?:$|\W))`)
	unitOfMeasure = expression(`^ ?(?:[km]?b|bytes?|messages?|recipients?|m?s|sec|seconds?|minutes?|hours?|days?|times)\b`)
)

func findStatusCode(text string) statusCode {
	if m := enhancedCode().FindStringSubmatch(text); m != nil {
		return statusCode{class: m[1][0], subject: m[2], detail: m[3]}
	}
	for _, m := range replyCode().FindAllStringSubmatchIndex(text, -1) {
		if !unitOfMeasure().MatchString(text[m[3]:]) {
			return statusCode{class: text[m[2]], reply: text[m[2]:m[3]]}
		}
	}
	return statusCode{}
}

// Subjects and details of enhanced codes. Sources: RFC 3463, the registry of RFC 5248,
// and the additional codes of Exchange Online.
var (
	// 1.7 and 1.8 are a bad address of the sender, 1.20 is two addresses of the sender,
	// 1.90 is too much mail from the sender today.
	senderDetails = []string{"1.7", "1.8", "1.20", "1.90"}
	// 2.1 is a disabled mailbox; 7.17 and 7.18 are a new owner of the mailbox or the
	// domain.
	addressDetails = []string{"2.1", "7.17", "7.18"}
	// A full mailbox (2.2) and an exceeded rate (2.121, 2.122) are states and not
	// properties of the address, also with a first digit of 5. 2.3 and 3.4 are size
	// limits; 2.4 is a mailing list. 3.1, 3.2 and 3.5 are a full, closed or
	// misconfigured server. 4.2 to 4.7 are the network, without 4.4, which is a domain
	// without a server. 4.14 is a loop. 5.1 to 5.6 are a misunderstanding between the
	// servers. 4.1 is absent: Exchange reports an unknown recipient as 4.1.
	deliveryDetails = []string{
		"2.2", "2.3", "2.4", "2.121", "2.122", "3.1", "3.2", "3.4", "3.5", "4.2", "4.3", "4.5", "4.6", "4.7", "4.14",
		"5.1", "5.2", "5.3", "5.4", "5.6",
	}
	// Reply codes of RFC 5321 and RFC 4954 that say nothing about the recipient: a
	// command or its parameters (500-504, 555), authentication (530-538), spam (541)
	// and space (552). Also 554: a server refuses a host without a good reputation
	// with 554, for every recipient.
	deliveryReplies = []string{"500", "501", "502", "503", "504", "530", "534", "535", "538", "541", "552", "554", "555"}
)

func (s statusCode) aboutSender() bool { return s.in(senderDetails) }

// aboutAddress reports whether the code is about the recipient's address: 1.x (except
// senderDetails, which are checked before) or one of addressDetails.
func (s statusCode) aboutAddress() bool { return s.subject == "1" || s.in(addressDetails) }

// aboutDelivery reports whether the code is about the delivery: 6.x is the content and 7.x
// the policy of a server.
func (s statusCode) aboutDelivery() bool {
	return s.subject == "6" || s.subject == "7" || s.in(deliveryDetails) || slices.Contains(deliveryReplies, s.reply)
}

func (s statusCode) in(details []string) bool {
	return slices.Contains(details, s.subject+"."+s.detail)
}
