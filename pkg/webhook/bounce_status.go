package webhook

import "slices"

// A statusCode is the code in a failure message: its class '4' or '5', 0 for none,
// and the rest of an enhanced code, or the whole of a plain reply code.
type statusCode struct {
	class           byte
	subject, detail string
	reply           string
}

var (
	// The neighbours matter: "192.168.5.1.1", "5.1.1.1" and "v5.1.1" are no codes.
	enhancedCode = expression(`(?:^|[^\w.])([45])\.([0-7])\.(\d{1,3})(?:$|[^\w.@/]|\.(?:$|\W))`)
	// A reply code opens the text or follows punctuation or a word that
	// announces it, and it counts nothing: "size 552", "id 550" are no codes.
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

// Details of enhanced codes, from RFC 3463, the registry of RFC 5248, and what
// Exchange Online adds to it.
var (
	// A bad address of the sender, two of them, or too much mail from it today.
	senderDetails = []string{"1.7", "1.8", "1.20", "1.90"}
	// A disabled mailbox; a mailbox or a domain that has another owner now.
	addressDetails = []string{"2.1", "7.17", "7.18"}
	// A full mailbox is a state and no property of the address, whatever the first
	// digit says, as is a rate that was exceeded. 2.3 and 3.4 are size limits, 2.4
	// is a mailing list; 3.1, 3.2 and 3.5 are a server that is full, closed or set
	// up wrongly; 4.2 to 4.7 the network, except 4.4, a domain without a server;
	// 4.14 is a loop; 5.1 to 5.6 a misunderstanding between the servers. Not 4.1:
	// Exchange says it of an unknown recipient.
	deliveryDetails = []string{
		"2.2", "2.3", "2.4", "2.121", "2.122", "3.1", "3.2", "3.4", "3.5", "4.2", "4.3", "4.5", "4.6", "4.7", "4.14",
		"5.1", "5.2", "5.3", "5.4", "5.6",
	}
	// Reply codes of RFC 5321 and RFC 4954 that say nothing about the recipient: a
	// command or its parameters (500-504, 555), authentication (530-538), spam
	// (541), space (552), and 554, with which a server also refuses to talk at all:
	// hosts without a good name get it for every recipient.
	deliveryReplies = []string{"500", "501", "502", "503", "504", "530", "534", "535", "538", "541", "552", "554", "555"}
)

func (s statusCode) aboutSender() bool { return s.in(senderDetails) }

// aboutAddress: every other 1.x is the recipient's address, too.
func (s statusCode) aboutAddress() bool { return s.subject == "1" || s.in(addressDetails) }

// aboutDelivery: every 6.x is the content, every 7.x policy.
func (s statusCode) aboutDelivery() bool {
	return s.subject == "6" || s.subject == "7" || s.in(deliveryDetails) || slices.Contains(deliveryReplies, s.reply)
}

func (s statusCode) in(details []string) bool {
	return slices.Contains(details, s.subject+"."+s.detail)
}
