package internal.smsgate.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * MessageService accepts messages, follows them to their final status and tells every transition live.
 * What was acknowledged is durable: it survives a crash of the server and a loss of power. A message is
 * submitted to a carrier at most once unless its caller chose otherwise, and has a final status at the
 * latest one minute after its validity has elapsed.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class MessageServiceGrpc {

  private MessageServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "smsgate.v1.MessageService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.SendMessageRequest,
      internal.smsgate.v1.SendMessageResponse> getSendMessageMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SendMessage",
      requestType = internal.smsgate.v1.SendMessageRequest.class,
      responseType = internal.smsgate.v1.SendMessageResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.SendMessageRequest,
      internal.smsgate.v1.SendMessageResponse> getSendMessageMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.SendMessageRequest, internal.smsgate.v1.SendMessageResponse> getSendMessageMethod;
    if ((getSendMessageMethod = MessageServiceGrpc.getSendMessageMethod) == null) {
      synchronized (MessageServiceGrpc.class) {
        if ((getSendMessageMethod = MessageServiceGrpc.getSendMessageMethod) == null) {
          MessageServiceGrpc.getSendMessageMethod = getSendMessageMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.SendMessageRequest, internal.smsgate.v1.SendMessageResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SendMessage"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.SendMessageRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.SendMessageResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MessageServiceMethodDescriptorSupplier("SendMessage"))
              .build();
        }
      }
    }
    return getSendMessageMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.SendBatchRequest,
      internal.smsgate.v1.SendBatchResponse> getSendBatchMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SendBatch",
      requestType = internal.smsgate.v1.SendBatchRequest.class,
      responseType = internal.smsgate.v1.SendBatchResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.SendBatchRequest,
      internal.smsgate.v1.SendBatchResponse> getSendBatchMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.SendBatchRequest, internal.smsgate.v1.SendBatchResponse> getSendBatchMethod;
    if ((getSendBatchMethod = MessageServiceGrpc.getSendBatchMethod) == null) {
      synchronized (MessageServiceGrpc.class) {
        if ((getSendBatchMethod = MessageServiceGrpc.getSendBatchMethod) == null) {
          MessageServiceGrpc.getSendBatchMethod = getSendBatchMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.SendBatchRequest, internal.smsgate.v1.SendBatchResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SendBatch"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.SendBatchRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.SendBatchResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MessageServiceMethodDescriptorSupplier("SendBatch"))
              .build();
        }
      }
    }
    return getSendBatchMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.EstimateMessageRequest,
      internal.smsgate.v1.EstimateMessageResponse> getEstimateMessageMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "EstimateMessage",
      requestType = internal.smsgate.v1.EstimateMessageRequest.class,
      responseType = internal.smsgate.v1.EstimateMessageResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.EstimateMessageRequest,
      internal.smsgate.v1.EstimateMessageResponse> getEstimateMessageMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.EstimateMessageRequest, internal.smsgate.v1.EstimateMessageResponse> getEstimateMessageMethod;
    if ((getEstimateMessageMethod = MessageServiceGrpc.getEstimateMessageMethod) == null) {
      synchronized (MessageServiceGrpc.class) {
        if ((getEstimateMessageMethod = MessageServiceGrpc.getEstimateMessageMethod) == null) {
          MessageServiceGrpc.getEstimateMessageMethod = getEstimateMessageMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.EstimateMessageRequest, internal.smsgate.v1.EstimateMessageResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "EstimateMessage"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.EstimateMessageRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.EstimateMessageResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MessageServiceMethodDescriptorSupplier("EstimateMessage"))
              .build();
        }
      }
    }
    return getEstimateMessageMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.GetMessageRequest,
      internal.smsgate.v1.GetMessageResponse> getGetMessageMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetMessage",
      requestType = internal.smsgate.v1.GetMessageRequest.class,
      responseType = internal.smsgate.v1.GetMessageResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.GetMessageRequest,
      internal.smsgate.v1.GetMessageResponse> getGetMessageMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.GetMessageRequest, internal.smsgate.v1.GetMessageResponse> getGetMessageMethod;
    if ((getGetMessageMethod = MessageServiceGrpc.getGetMessageMethod) == null) {
      synchronized (MessageServiceGrpc.class) {
        if ((getGetMessageMethod = MessageServiceGrpc.getGetMessageMethod) == null) {
          MessageServiceGrpc.getGetMessageMethod = getGetMessageMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.GetMessageRequest, internal.smsgate.v1.GetMessageResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetMessage"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.GetMessageRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.GetMessageResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MessageServiceMethodDescriptorSupplier("GetMessage"))
              .build();
        }
      }
    }
    return getGetMessageMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.ListMessagesRequest,
      internal.smsgate.v1.ListMessagesResponse> getListMessagesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListMessages",
      requestType = internal.smsgate.v1.ListMessagesRequest.class,
      responseType = internal.smsgate.v1.ListMessagesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.ListMessagesRequest,
      internal.smsgate.v1.ListMessagesResponse> getListMessagesMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.ListMessagesRequest, internal.smsgate.v1.ListMessagesResponse> getListMessagesMethod;
    if ((getListMessagesMethod = MessageServiceGrpc.getListMessagesMethod) == null) {
      synchronized (MessageServiceGrpc.class) {
        if ((getListMessagesMethod = MessageServiceGrpc.getListMessagesMethod) == null) {
          MessageServiceGrpc.getListMessagesMethod = getListMessagesMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.ListMessagesRequest, internal.smsgate.v1.ListMessagesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListMessages"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.ListMessagesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.ListMessagesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MessageServiceMethodDescriptorSupplier("ListMessages"))
              .build();
        }
      }
    }
    return getListMessagesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.CancelMessageRequest,
      internal.smsgate.v1.CancelMessageResponse> getCancelMessageMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CancelMessage",
      requestType = internal.smsgate.v1.CancelMessageRequest.class,
      responseType = internal.smsgate.v1.CancelMessageResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.CancelMessageRequest,
      internal.smsgate.v1.CancelMessageResponse> getCancelMessageMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.CancelMessageRequest, internal.smsgate.v1.CancelMessageResponse> getCancelMessageMethod;
    if ((getCancelMessageMethod = MessageServiceGrpc.getCancelMessageMethod) == null) {
      synchronized (MessageServiceGrpc.class) {
        if ((getCancelMessageMethod = MessageServiceGrpc.getCancelMessageMethod) == null) {
          MessageServiceGrpc.getCancelMessageMethod = getCancelMessageMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.CancelMessageRequest, internal.smsgate.v1.CancelMessageResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CancelMessage"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.CancelMessageRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.CancelMessageResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MessageServiceMethodDescriptorSupplier("CancelMessage"))
              .build();
        }
      }
    }
    return getCancelMessageMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.StreamStatusRequest,
      internal.smsgate.v1.StreamStatusResponse> getStreamStatusMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "StreamStatus",
      requestType = internal.smsgate.v1.StreamStatusRequest.class,
      responseType = internal.smsgate.v1.StreamStatusResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.StreamStatusRequest,
      internal.smsgate.v1.StreamStatusResponse> getStreamStatusMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.StreamStatusRequest, internal.smsgate.v1.StreamStatusResponse> getStreamStatusMethod;
    if ((getStreamStatusMethod = MessageServiceGrpc.getStreamStatusMethod) == null) {
      synchronized (MessageServiceGrpc.class) {
        if ((getStreamStatusMethod = MessageServiceGrpc.getStreamStatusMethod) == null) {
          MessageServiceGrpc.getStreamStatusMethod = getStreamStatusMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.StreamStatusRequest, internal.smsgate.v1.StreamStatusResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "StreamStatus"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.StreamStatusRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.StreamStatusResponse.getDefaultInstance()))
              .setSchemaDescriptor(new MessageServiceMethodDescriptorSupplier("StreamStatus"))
              .build();
        }
      }
    }
    return getStreamStatusMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static MessageServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MessageServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MessageServiceStub>() {
        @java.lang.Override
        public MessageServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MessageServiceStub(channel, callOptions);
        }
      };
    return MessageServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static MessageServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MessageServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MessageServiceBlockingV2Stub>() {
        @java.lang.Override
        public MessageServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MessageServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return MessageServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static MessageServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MessageServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MessageServiceBlockingStub>() {
        @java.lang.Override
        public MessageServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MessageServiceBlockingStub(channel, callOptions);
        }
      };
    return MessageServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static MessageServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MessageServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MessageServiceFutureStub>() {
        @java.lang.Override
        public MessageServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MessageServiceFutureStub(channel, callOptions);
        }
      };
    return MessageServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * MessageService accepts messages, follows them to their final status and tells every transition live.
   * What was acknowledged is durable: it survives a crash of the server and a loss of power. A message is
   * submitted to a carrier at most once unless its caller chose otherwise, and has a final status at the
   * latest one minute after its validity has elapsed.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * SendMessage accepts one message for one recipient. The answer comes once the message is stored, and
     * never waits for a carrier. The status of the call is the outcome: OK means accepted. On
     * INVALID_ARGUMENT every violation is reported at once. Safe to repeat with the same request_id.
     * </pre>
     */
    default void sendMessage(internal.smsgate.v1.SendMessageRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.SendMessageResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSendMessageMethod(), responseObserver);
    }

    /**
     * <pre>
     * SendBatch accepts up to 1,000 messages in one transaction. Items that are wrong are reported one by
     * one and do not stand in the way of the others, unless all_or_nothing is set.
     * </pre>
     */
    default void sendBatch(internal.smsgate.v1.SendBatchRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.SendBatchResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSendBatchMethod(), responseObserver);
    }

    /**
     * <pre>
     * EstimateMessage tells all that can be known of a message before it is sent: encoding, segments,
     * price and everything that would make SendMessage fail. It stores, sends and costs nothing.
     * </pre>
     */
    default void estimateMessage(internal.smsgate.v1.EstimateMessageRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.EstimateMessageResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getEstimateMessageMethod(), responseObserver);
    }

    /**
     * <pre>
     * GetMessage returns a message by its id, if wanted with its history, and if wanted once it changes.
     * </pre>
     */
    default void getMessage(internal.smsgate.v1.GetMessageRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.GetMessageResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetMessageMethod(), responseObserver);
    }

    /**
     * <pre>
     * ListMessages returns messages, newest first, page by page.
     * </pre>
     */
    default void listMessages(internal.smsgate.v1.ListMessagesRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.ListMessagesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListMessagesMethod(), responseObserver);
    }

    /**
     * <pre>
     * CancelMessage takes back a message that no carrier has been given yet, and returns its charge.
     * Repeating it is harmless. A message that was submitted is FAILED_PRECONDITION /
     * ALREADY_SUBMITTED.
     * </pre>
     */
    default void cancelMessage(internal.smsgate.v1.CancelMessageRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.CancelMessageResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCancelMessageMethod(), responseObserver);
    }

    /**
     * <pre>
     * StreamStatus follows the log of status events from a position of the caller's choice. A stream is a
     * position in a durable log, not a queue: a slow or absent reader loses nothing.
     * Inside the log's retention it is: ordered (events come in commit order), unique (each once per
     * stream), reliable (no gaps), atomic (the messages of a batch appear in one response), resumable
     * (from the cursor of any response) and bookmarked (heartbeats advance the cursor when nothing
     * matches). A store that is away does not end a stream that is open: it goes on, with heartbeats
     * meanwhile, once the store is back.
     * </pre>
     */
    default void streamStatus(internal.smsgate.v1.StreamStatusRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.StreamStatusResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getStreamStatusMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service MessageService.
   * <pre>
   * MessageService accepts messages, follows them to their final status and tells every transition live.
   * What was acknowledged is durable: it survives a crash of the server and a loss of power. A message is
   * submitted to a carrier at most once unless its caller chose otherwise, and has a final status at the
   * latest one minute after its validity has elapsed.
   * </pre>
   */
  public static abstract class MessageServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return MessageServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service MessageService.
   * <pre>
   * MessageService accepts messages, follows them to their final status and tells every transition live.
   * What was acknowledged is durable: it survives a crash of the server and a loss of power. A message is
   * submitted to a carrier at most once unless its caller chose otherwise, and has a final status at the
   * latest one minute after its validity has elapsed.
   * </pre>
   */
  public static final class MessageServiceStub
      extends io.grpc.stub.AbstractAsyncStub<MessageServiceStub> {
    private MessageServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MessageServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MessageServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * SendMessage accepts one message for one recipient. The answer comes once the message is stored, and
     * never waits for a carrier. The status of the call is the outcome: OK means accepted. On
     * INVALID_ARGUMENT every violation is reported at once. Safe to repeat with the same request_id.
     * </pre>
     */
    public void sendMessage(internal.smsgate.v1.SendMessageRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.SendMessageResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSendMessageMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * SendBatch accepts up to 1,000 messages in one transaction. Items that are wrong are reported one by
     * one and do not stand in the way of the others, unless all_or_nothing is set.
     * </pre>
     */
    public void sendBatch(internal.smsgate.v1.SendBatchRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.SendBatchResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSendBatchMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * EstimateMessage tells all that can be known of a message before it is sent: encoding, segments,
     * price and everything that would make SendMessage fail. It stores, sends and costs nothing.
     * </pre>
     */
    public void estimateMessage(internal.smsgate.v1.EstimateMessageRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.EstimateMessageResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getEstimateMessageMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * GetMessage returns a message by its id, if wanted with its history, and if wanted once it changes.
     * </pre>
     */
    public void getMessage(internal.smsgate.v1.GetMessageRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.GetMessageResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetMessageMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ListMessages returns messages, newest first, page by page.
     * </pre>
     */
    public void listMessages(internal.smsgate.v1.ListMessagesRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.ListMessagesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListMessagesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * CancelMessage takes back a message that no carrier has been given yet, and returns its charge.
     * Repeating it is harmless. A message that was submitted is FAILED_PRECONDITION /
     * ALREADY_SUBMITTED.
     * </pre>
     */
    public void cancelMessage(internal.smsgate.v1.CancelMessageRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.CancelMessageResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCancelMessageMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * StreamStatus follows the log of status events from a position of the caller's choice. A stream is a
     * position in a durable log, not a queue: a slow or absent reader loses nothing.
     * Inside the log's retention it is: ordered (events come in commit order), unique (each once per
     * stream), reliable (no gaps), atomic (the messages of a batch appear in one response), resumable
     * (from the cursor of any response) and bookmarked (heartbeats advance the cursor when nothing
     * matches). A store that is away does not end a stream that is open: it goes on, with heartbeats
     * meanwhile, once the store is back.
     * </pre>
     */
    public void streamStatus(internal.smsgate.v1.StreamStatusRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.StreamStatusResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getStreamStatusMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service MessageService.
   * <pre>
   * MessageService accepts messages, follows them to their final status and tells every transition live.
   * What was acknowledged is durable: it survives a crash of the server and a loss of power. A message is
   * submitted to a carrier at most once unless its caller chose otherwise, and has a final status at the
   * latest one minute after its validity has elapsed.
   * </pre>
   */
  public static final class MessageServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<MessageServiceBlockingV2Stub> {
    private MessageServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MessageServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MessageServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * SendMessage accepts one message for one recipient. The answer comes once the message is stored, and
     * never waits for a carrier. The status of the call is the outcome: OK means accepted. On
     * INVALID_ARGUMENT every violation is reported at once. Safe to repeat with the same request_id.
     * </pre>
     */
    public internal.smsgate.v1.SendMessageResponse sendMessage(internal.smsgate.v1.SendMessageRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSendMessageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * SendBatch accepts up to 1,000 messages in one transaction. Items that are wrong are reported one by
     * one and do not stand in the way of the others, unless all_or_nothing is set.
     * </pre>
     */
    public internal.smsgate.v1.SendBatchResponse sendBatch(internal.smsgate.v1.SendBatchRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSendBatchMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * EstimateMessage tells all that can be known of a message before it is sent: encoding, segments,
     * price and everything that would make SendMessage fail. It stores, sends and costs nothing.
     * </pre>
     */
    public internal.smsgate.v1.EstimateMessageResponse estimateMessage(internal.smsgate.v1.EstimateMessageRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getEstimateMessageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetMessage returns a message by its id, if wanted with its history, and if wanted once it changes.
     * </pre>
     */
    public internal.smsgate.v1.GetMessageResponse getMessage(internal.smsgate.v1.GetMessageRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetMessageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListMessages returns messages, newest first, page by page.
     * </pre>
     */
    public internal.smsgate.v1.ListMessagesResponse listMessages(internal.smsgate.v1.ListMessagesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListMessagesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * CancelMessage takes back a message that no carrier has been given yet, and returns its charge.
     * Repeating it is harmless. A message that was submitted is FAILED_PRECONDITION /
     * ALREADY_SUBMITTED.
     * </pre>
     */
    public internal.smsgate.v1.CancelMessageResponse cancelMessage(internal.smsgate.v1.CancelMessageRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCancelMessageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * StreamStatus follows the log of status events from a position of the caller's choice. A stream is a
     * position in a durable log, not a queue: a slow or absent reader loses nothing.
     * Inside the log's retention it is: ordered (events come in commit order), unique (each once per
     * stream), reliable (no gaps), atomic (the messages of a batch appear in one response), resumable
     * (from the cursor of any response) and bookmarked (heartbeats advance the cursor when nothing
     * matches). A store that is away does not end a stream that is open: it goes on, with heartbeats
     * meanwhile, once the store is back.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, internal.smsgate.v1.StreamStatusResponse>
        streamStatus(internal.smsgate.v1.StreamStatusRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getStreamStatusMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service MessageService.
   * <pre>
   * MessageService accepts messages, follows them to their final status and tells every transition live.
   * What was acknowledged is durable: it survives a crash of the server and a loss of power. A message is
   * submitted to a carrier at most once unless its caller chose otherwise, and has a final status at the
   * latest one minute after its validity has elapsed.
   * </pre>
   */
  public static final class MessageServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<MessageServiceBlockingStub> {
    private MessageServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MessageServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MessageServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * SendMessage accepts one message for one recipient. The answer comes once the message is stored, and
     * never waits for a carrier. The status of the call is the outcome: OK means accepted. On
     * INVALID_ARGUMENT every violation is reported at once. Safe to repeat with the same request_id.
     * </pre>
     */
    public internal.smsgate.v1.SendMessageResponse sendMessage(internal.smsgate.v1.SendMessageRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSendMessageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * SendBatch accepts up to 1,000 messages in one transaction. Items that are wrong are reported one by
     * one and do not stand in the way of the others, unless all_or_nothing is set.
     * </pre>
     */
    public internal.smsgate.v1.SendBatchResponse sendBatch(internal.smsgate.v1.SendBatchRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSendBatchMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * EstimateMessage tells all that can be known of a message before it is sent: encoding, segments,
     * price and everything that would make SendMessage fail. It stores, sends and costs nothing.
     * </pre>
     */
    public internal.smsgate.v1.EstimateMessageResponse estimateMessage(internal.smsgate.v1.EstimateMessageRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getEstimateMessageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetMessage returns a message by its id, if wanted with its history, and if wanted once it changes.
     * </pre>
     */
    public internal.smsgate.v1.GetMessageResponse getMessage(internal.smsgate.v1.GetMessageRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetMessageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListMessages returns messages, newest first, page by page.
     * </pre>
     */
    public internal.smsgate.v1.ListMessagesResponse listMessages(internal.smsgate.v1.ListMessagesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListMessagesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * CancelMessage takes back a message that no carrier has been given yet, and returns its charge.
     * Repeating it is harmless. A message that was submitted is FAILED_PRECONDITION /
     * ALREADY_SUBMITTED.
     * </pre>
     */
    public internal.smsgate.v1.CancelMessageResponse cancelMessage(internal.smsgate.v1.CancelMessageRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCancelMessageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * StreamStatus follows the log of status events from a position of the caller's choice. A stream is a
     * position in a durable log, not a queue: a slow or absent reader loses nothing.
     * Inside the log's retention it is: ordered (events come in commit order), unique (each once per
     * stream), reliable (no gaps), atomic (the messages of a batch appear in one response), resumable
     * (from the cursor of any response) and bookmarked (heartbeats advance the cursor when nothing
     * matches). A store that is away does not end a stream that is open: it goes on, with heartbeats
     * meanwhile, once the store is back.
     * </pre>
     */
    public java.util.Iterator<internal.smsgate.v1.StreamStatusResponse> streamStatus(
        internal.smsgate.v1.StreamStatusRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getStreamStatusMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service MessageService.
   * <pre>
   * MessageService accepts messages, follows them to their final status and tells every transition live.
   * What was acknowledged is durable: it survives a crash of the server and a loss of power. A message is
   * submitted to a carrier at most once unless its caller chose otherwise, and has a final status at the
   * latest one minute after its validity has elapsed.
   * </pre>
   */
  public static final class MessageServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<MessageServiceFutureStub> {
    private MessageServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MessageServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MessageServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * SendMessage accepts one message for one recipient. The answer comes once the message is stored, and
     * never waits for a carrier. The status of the call is the outcome: OK means accepted. On
     * INVALID_ARGUMENT every violation is reported at once. Safe to repeat with the same request_id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.SendMessageResponse> sendMessage(
        internal.smsgate.v1.SendMessageRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSendMessageMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * SendBatch accepts up to 1,000 messages in one transaction. Items that are wrong are reported one by
     * one and do not stand in the way of the others, unless all_or_nothing is set.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.SendBatchResponse> sendBatch(
        internal.smsgate.v1.SendBatchRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSendBatchMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * EstimateMessage tells all that can be known of a message before it is sent: encoding, segments,
     * price and everything that would make SendMessage fail. It stores, sends and costs nothing.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.EstimateMessageResponse> estimateMessage(
        internal.smsgate.v1.EstimateMessageRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getEstimateMessageMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * GetMessage returns a message by its id, if wanted with its history, and if wanted once it changes.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.GetMessageResponse> getMessage(
        internal.smsgate.v1.GetMessageRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetMessageMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ListMessages returns messages, newest first, page by page.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.ListMessagesResponse> listMessages(
        internal.smsgate.v1.ListMessagesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListMessagesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * CancelMessage takes back a message that no carrier has been given yet, and returns its charge.
     * Repeating it is harmless. A message that was submitted is FAILED_PRECONDITION /
     * ALREADY_SUBMITTED.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.CancelMessageResponse> cancelMessage(
        internal.smsgate.v1.CancelMessageRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCancelMessageMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_SEND_MESSAGE = 0;
  private static final int METHODID_SEND_BATCH = 1;
  private static final int METHODID_ESTIMATE_MESSAGE = 2;
  private static final int METHODID_GET_MESSAGE = 3;
  private static final int METHODID_LIST_MESSAGES = 4;
  private static final int METHODID_CANCEL_MESSAGE = 5;
  private static final int METHODID_STREAM_STATUS = 6;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_SEND_MESSAGE:
          serviceImpl.sendMessage((internal.smsgate.v1.SendMessageRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.SendMessageResponse>) responseObserver);
          break;
        case METHODID_SEND_BATCH:
          serviceImpl.sendBatch((internal.smsgate.v1.SendBatchRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.SendBatchResponse>) responseObserver);
          break;
        case METHODID_ESTIMATE_MESSAGE:
          serviceImpl.estimateMessage((internal.smsgate.v1.EstimateMessageRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.EstimateMessageResponse>) responseObserver);
          break;
        case METHODID_GET_MESSAGE:
          serviceImpl.getMessage((internal.smsgate.v1.GetMessageRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.GetMessageResponse>) responseObserver);
          break;
        case METHODID_LIST_MESSAGES:
          serviceImpl.listMessages((internal.smsgate.v1.ListMessagesRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.ListMessagesResponse>) responseObserver);
          break;
        case METHODID_CANCEL_MESSAGE:
          serviceImpl.cancelMessage((internal.smsgate.v1.CancelMessageRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.CancelMessageResponse>) responseObserver);
          break;
        case METHODID_STREAM_STATUS:
          serviceImpl.streamStatus((internal.smsgate.v1.StreamStatusRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.StreamStatusResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getSendMessageMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.SendMessageRequest,
              internal.smsgate.v1.SendMessageResponse>(
                service, METHODID_SEND_MESSAGE)))
        .addMethod(
          getSendBatchMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.SendBatchRequest,
              internal.smsgate.v1.SendBatchResponse>(
                service, METHODID_SEND_BATCH)))
        .addMethod(
          getEstimateMessageMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.EstimateMessageRequest,
              internal.smsgate.v1.EstimateMessageResponse>(
                service, METHODID_ESTIMATE_MESSAGE)))
        .addMethod(
          getGetMessageMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.GetMessageRequest,
              internal.smsgate.v1.GetMessageResponse>(
                service, METHODID_GET_MESSAGE)))
        .addMethod(
          getListMessagesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.ListMessagesRequest,
              internal.smsgate.v1.ListMessagesResponse>(
                service, METHODID_LIST_MESSAGES)))
        .addMethod(
          getCancelMessageMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.CancelMessageRequest,
              internal.smsgate.v1.CancelMessageResponse>(
                service, METHODID_CANCEL_MESSAGE)))
        .addMethod(
          getStreamStatusMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              internal.smsgate.v1.StreamStatusRequest,
              internal.smsgate.v1.StreamStatusResponse>(
                service, METHODID_STREAM_STATUS)))
        .build();
  }

  private static abstract class MessageServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    MessageServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return internal.smsgate.v1.MessageServiceOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("MessageService");
    }
  }

  private static final class MessageServiceFileDescriptorSupplier
      extends MessageServiceBaseDescriptorSupplier {
    MessageServiceFileDescriptorSupplier() {}
  }

  private static final class MessageServiceMethodDescriptorSupplier
      extends MessageServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    MessageServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (MessageServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new MessageServiceFileDescriptorSupplier())
              .addMethod(getSendMessageMethod())
              .addMethod(getSendBatchMethod())
              .addMethod(getEstimateMessageMethod())
              .addMethod(getGetMessageMethod())
              .addMethod(getListMessagesMethod())
              .addMethod(getCancelMessageMethod())
              .addMethod(getStreamStatusMethod())
              .build();
        }
      }
    }
    return result;
  }
}
