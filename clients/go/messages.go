package smsgate

import (
	"context"
	"iter"

	pb "smsgate.internal/stubs/smsgate/v1"
)

// Send sends one message. Once it returns, the message is stored and will be delivered. To repeat a
// call whose outcome is unknown, give the same RequestId again.
func (c *Client) Send(
	ctx context.Context, request *pb.SendMessageRequest,
) (*pb.SendMessageResponse, error) {
	return c.messages.SendMessage(ctx, request)
}

// SendBatch sends up to 1,000 messages in one transaction. What is wrong with an item stands in its
// result; FromStatus makes an *Error of it.
func (c *Client) SendBatch(
	ctx context.Context, request *pb.SendBatchRequest,
) (*pb.SendBatchResponse, error) {
	return c.messages.SendBatch(ctx, request)
}

// Estimate tells all that can be known of a message before it is sent.
func (c *Client) Estimate(
	ctx context.Context, request *pb.EstimateMessageRequest,
) (*pb.EstimateMessageResponse, error) {
	return c.messages.EstimateMessage(ctx, request)
}

// Get reads a message; with Wait, once it has changed after WaitAfterCursor.
func (c *Client) Get(
	ctx context.Context, request *pb.GetMessageRequest,
) (*pb.GetMessageResponse, error) {
	return c.messages.GetMessage(ctx, request)
}

// List reads all messages, newest first, page by page as they are consumed. An error is the last
// that comes.
func (c *Client) List(
	ctx context.Context, request *pb.ListMessagesRequest,
) iter.Seq2[*pb.Message, error] {
	return allItems(ctx, request, c.ListPage, (*pb.ListMessagesResponse).GetMessages)
}

// ListPage reads one page of messages, newest first.
func (c *Client) ListPage(
	ctx context.Context, request *pb.ListMessagesRequest,
) (*pb.ListMessagesResponse, error) {
	return c.messages.ListMessages(ctx, request)
}

// Cancel takes a message back that no carrier has been given yet.
func (c *Client) Cancel(ctx context.Context, id string) (*pb.CancelMessageResponse, error) {
	return c.messages.CancelMessage(ctx, &pb.CancelMessageRequest{Id: id})
}
