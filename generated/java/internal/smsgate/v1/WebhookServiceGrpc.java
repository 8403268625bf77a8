package internal.smsgate.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * WebhookService pushes status events to HTTP endpoints, for services that cannot hold a stream.
 * Each event is a POST of JSON: {"type": "message.status", "timestamp": …, "data": …}, where data is
 * the StatusEvent of the stream in its JSON form, with "cursor", its place in the log, and
 * "customData", what the callback of the message said. It is signed by the scheme of Standard
 * Webhooks: headers webhook-id (the same on every retry), webhook-timestamp, webhook-signature.
 *   * At least once: an event is repeated until the endpoint answers 2xx, for about a day; then it
 *     is a failed delivery, which can be listed and replayed. Tell repeats by webhook-id.
 *   * In order per message: the first try of an event comes after the events before it of the same
 *     message were delivered or failed. Repeats and replays come when they come.
 *   * Apart: no endpoint waits for another, and a message whose event is being repeated does not
 *     hold up the others of its endpoint.
 *   * 410 Gone disables the webhook. 429 and 503 are heeded with their Retry-After, up to an hour.
 *     An endpoint that only failed for three days is disabled. Redirects are not followed.
 *   * An answer has 10 seconds. Addresses that are not public are refused, unless the operator
 *     allows them; so is plain HTTP.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class WebhookServiceGrpc {

  private WebhookServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "smsgate.v1.WebhookService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.CreateWebhookRequest,
      internal.smsgate.v1.CreateWebhookResponse> getCreateWebhookMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateWebhook",
      requestType = internal.smsgate.v1.CreateWebhookRequest.class,
      responseType = internal.smsgate.v1.CreateWebhookResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.CreateWebhookRequest,
      internal.smsgate.v1.CreateWebhookResponse> getCreateWebhookMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.CreateWebhookRequest, internal.smsgate.v1.CreateWebhookResponse> getCreateWebhookMethod;
    if ((getCreateWebhookMethod = WebhookServiceGrpc.getCreateWebhookMethod) == null) {
      synchronized (WebhookServiceGrpc.class) {
        if ((getCreateWebhookMethod = WebhookServiceGrpc.getCreateWebhookMethod) == null) {
          WebhookServiceGrpc.getCreateWebhookMethod = getCreateWebhookMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.CreateWebhookRequest, internal.smsgate.v1.CreateWebhookResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateWebhook"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.CreateWebhookRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.CreateWebhookResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WebhookServiceMethodDescriptorSupplier("CreateWebhook"))
              .build();
        }
      }
    }
    return getCreateWebhookMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.GetWebhookRequest,
      internal.smsgate.v1.GetWebhookResponse> getGetWebhookMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetWebhook",
      requestType = internal.smsgate.v1.GetWebhookRequest.class,
      responseType = internal.smsgate.v1.GetWebhookResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.GetWebhookRequest,
      internal.smsgate.v1.GetWebhookResponse> getGetWebhookMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.GetWebhookRequest, internal.smsgate.v1.GetWebhookResponse> getGetWebhookMethod;
    if ((getGetWebhookMethod = WebhookServiceGrpc.getGetWebhookMethod) == null) {
      synchronized (WebhookServiceGrpc.class) {
        if ((getGetWebhookMethod = WebhookServiceGrpc.getGetWebhookMethod) == null) {
          WebhookServiceGrpc.getGetWebhookMethod = getGetWebhookMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.GetWebhookRequest, internal.smsgate.v1.GetWebhookResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetWebhook"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.GetWebhookRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.GetWebhookResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WebhookServiceMethodDescriptorSupplier("GetWebhook"))
              .build();
        }
      }
    }
    return getGetWebhookMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.ListWebhooksRequest,
      internal.smsgate.v1.ListWebhooksResponse> getListWebhooksMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListWebhooks",
      requestType = internal.smsgate.v1.ListWebhooksRequest.class,
      responseType = internal.smsgate.v1.ListWebhooksResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.ListWebhooksRequest,
      internal.smsgate.v1.ListWebhooksResponse> getListWebhooksMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.ListWebhooksRequest, internal.smsgate.v1.ListWebhooksResponse> getListWebhooksMethod;
    if ((getListWebhooksMethod = WebhookServiceGrpc.getListWebhooksMethod) == null) {
      synchronized (WebhookServiceGrpc.class) {
        if ((getListWebhooksMethod = WebhookServiceGrpc.getListWebhooksMethod) == null) {
          WebhookServiceGrpc.getListWebhooksMethod = getListWebhooksMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.ListWebhooksRequest, internal.smsgate.v1.ListWebhooksResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListWebhooks"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.ListWebhooksRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.ListWebhooksResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WebhookServiceMethodDescriptorSupplier("ListWebhooks"))
              .build();
        }
      }
    }
    return getListWebhooksMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.UpdateWebhookRequest,
      internal.smsgate.v1.UpdateWebhookResponse> getUpdateWebhookMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateWebhook",
      requestType = internal.smsgate.v1.UpdateWebhookRequest.class,
      responseType = internal.smsgate.v1.UpdateWebhookResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.UpdateWebhookRequest,
      internal.smsgate.v1.UpdateWebhookResponse> getUpdateWebhookMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.UpdateWebhookRequest, internal.smsgate.v1.UpdateWebhookResponse> getUpdateWebhookMethod;
    if ((getUpdateWebhookMethod = WebhookServiceGrpc.getUpdateWebhookMethod) == null) {
      synchronized (WebhookServiceGrpc.class) {
        if ((getUpdateWebhookMethod = WebhookServiceGrpc.getUpdateWebhookMethod) == null) {
          WebhookServiceGrpc.getUpdateWebhookMethod = getUpdateWebhookMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.UpdateWebhookRequest, internal.smsgate.v1.UpdateWebhookResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateWebhook"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.UpdateWebhookRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.UpdateWebhookResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WebhookServiceMethodDescriptorSupplier("UpdateWebhook"))
              .build();
        }
      }
    }
    return getUpdateWebhookMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.DeleteWebhookRequest,
      internal.smsgate.v1.DeleteWebhookResponse> getDeleteWebhookMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteWebhook",
      requestType = internal.smsgate.v1.DeleteWebhookRequest.class,
      responseType = internal.smsgate.v1.DeleteWebhookResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.DeleteWebhookRequest,
      internal.smsgate.v1.DeleteWebhookResponse> getDeleteWebhookMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.DeleteWebhookRequest, internal.smsgate.v1.DeleteWebhookResponse> getDeleteWebhookMethod;
    if ((getDeleteWebhookMethod = WebhookServiceGrpc.getDeleteWebhookMethod) == null) {
      synchronized (WebhookServiceGrpc.class) {
        if ((getDeleteWebhookMethod = WebhookServiceGrpc.getDeleteWebhookMethod) == null) {
          WebhookServiceGrpc.getDeleteWebhookMethod = getDeleteWebhookMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.DeleteWebhookRequest, internal.smsgate.v1.DeleteWebhookResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteWebhook"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.DeleteWebhookRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.DeleteWebhookResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WebhookServiceMethodDescriptorSupplier("DeleteWebhook"))
              .build();
        }
      }
    }
    return getDeleteWebhookMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.RotateWebhookSecretRequest,
      internal.smsgate.v1.RotateWebhookSecretResponse> getRotateWebhookSecretMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RotateWebhookSecret",
      requestType = internal.smsgate.v1.RotateWebhookSecretRequest.class,
      responseType = internal.smsgate.v1.RotateWebhookSecretResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.RotateWebhookSecretRequest,
      internal.smsgate.v1.RotateWebhookSecretResponse> getRotateWebhookSecretMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.RotateWebhookSecretRequest, internal.smsgate.v1.RotateWebhookSecretResponse> getRotateWebhookSecretMethod;
    if ((getRotateWebhookSecretMethod = WebhookServiceGrpc.getRotateWebhookSecretMethod) == null) {
      synchronized (WebhookServiceGrpc.class) {
        if ((getRotateWebhookSecretMethod = WebhookServiceGrpc.getRotateWebhookSecretMethod) == null) {
          WebhookServiceGrpc.getRotateWebhookSecretMethod = getRotateWebhookSecretMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.RotateWebhookSecretRequest, internal.smsgate.v1.RotateWebhookSecretResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RotateWebhookSecret"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.RotateWebhookSecretRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.RotateWebhookSecretResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WebhookServiceMethodDescriptorSupplier("RotateWebhookSecret"))
              .build();
        }
      }
    }
    return getRotateWebhookSecretMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.TestWebhookRequest,
      internal.smsgate.v1.TestWebhookResponse> getTestWebhookMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "TestWebhook",
      requestType = internal.smsgate.v1.TestWebhookRequest.class,
      responseType = internal.smsgate.v1.TestWebhookResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.TestWebhookRequest,
      internal.smsgate.v1.TestWebhookResponse> getTestWebhookMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.TestWebhookRequest, internal.smsgate.v1.TestWebhookResponse> getTestWebhookMethod;
    if ((getTestWebhookMethod = WebhookServiceGrpc.getTestWebhookMethod) == null) {
      synchronized (WebhookServiceGrpc.class) {
        if ((getTestWebhookMethod = WebhookServiceGrpc.getTestWebhookMethod) == null) {
          WebhookServiceGrpc.getTestWebhookMethod = getTestWebhookMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.TestWebhookRequest, internal.smsgate.v1.TestWebhookResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "TestWebhook"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.TestWebhookRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.TestWebhookResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WebhookServiceMethodDescriptorSupplier("TestWebhook"))
              .build();
        }
      }
    }
    return getTestWebhookMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.ListFailedDeliveriesRequest,
      internal.smsgate.v1.ListFailedDeliveriesResponse> getListFailedDeliveriesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListFailedDeliveries",
      requestType = internal.smsgate.v1.ListFailedDeliveriesRequest.class,
      responseType = internal.smsgate.v1.ListFailedDeliveriesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.ListFailedDeliveriesRequest,
      internal.smsgate.v1.ListFailedDeliveriesResponse> getListFailedDeliveriesMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.ListFailedDeliveriesRequest, internal.smsgate.v1.ListFailedDeliveriesResponse> getListFailedDeliveriesMethod;
    if ((getListFailedDeliveriesMethod = WebhookServiceGrpc.getListFailedDeliveriesMethod) == null) {
      synchronized (WebhookServiceGrpc.class) {
        if ((getListFailedDeliveriesMethod = WebhookServiceGrpc.getListFailedDeliveriesMethod) == null) {
          WebhookServiceGrpc.getListFailedDeliveriesMethod = getListFailedDeliveriesMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.ListFailedDeliveriesRequest, internal.smsgate.v1.ListFailedDeliveriesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListFailedDeliveries"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.ListFailedDeliveriesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.ListFailedDeliveriesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WebhookServiceMethodDescriptorSupplier("ListFailedDeliveries"))
              .build();
        }
      }
    }
    return getListFailedDeliveriesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.ReplayFailedDeliveriesRequest,
      internal.smsgate.v1.ReplayFailedDeliveriesResponse> getReplayFailedDeliveriesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ReplayFailedDeliveries",
      requestType = internal.smsgate.v1.ReplayFailedDeliveriesRequest.class,
      responseType = internal.smsgate.v1.ReplayFailedDeliveriesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.ReplayFailedDeliveriesRequest,
      internal.smsgate.v1.ReplayFailedDeliveriesResponse> getReplayFailedDeliveriesMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.ReplayFailedDeliveriesRequest, internal.smsgate.v1.ReplayFailedDeliveriesResponse> getReplayFailedDeliveriesMethod;
    if ((getReplayFailedDeliveriesMethod = WebhookServiceGrpc.getReplayFailedDeliveriesMethod) == null) {
      synchronized (WebhookServiceGrpc.class) {
        if ((getReplayFailedDeliveriesMethod = WebhookServiceGrpc.getReplayFailedDeliveriesMethod) == null) {
          WebhookServiceGrpc.getReplayFailedDeliveriesMethod = getReplayFailedDeliveriesMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.ReplayFailedDeliveriesRequest, internal.smsgate.v1.ReplayFailedDeliveriesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ReplayFailedDeliveries"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.ReplayFailedDeliveriesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.ReplayFailedDeliveriesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WebhookServiceMethodDescriptorSupplier("ReplayFailedDeliveries"))
              .build();
        }
      }
    }
    return getReplayFailedDeliveriesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.ReplayEventsRequest,
      internal.smsgate.v1.ReplayEventsResponse> getReplayEventsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ReplayEvents",
      requestType = internal.smsgate.v1.ReplayEventsRequest.class,
      responseType = internal.smsgate.v1.ReplayEventsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.ReplayEventsRequest,
      internal.smsgate.v1.ReplayEventsResponse> getReplayEventsMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.ReplayEventsRequest, internal.smsgate.v1.ReplayEventsResponse> getReplayEventsMethod;
    if ((getReplayEventsMethod = WebhookServiceGrpc.getReplayEventsMethod) == null) {
      synchronized (WebhookServiceGrpc.class) {
        if ((getReplayEventsMethod = WebhookServiceGrpc.getReplayEventsMethod) == null) {
          WebhookServiceGrpc.getReplayEventsMethod = getReplayEventsMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.ReplayEventsRequest, internal.smsgate.v1.ReplayEventsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ReplayEvents"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.ReplayEventsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.ReplayEventsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WebhookServiceMethodDescriptorSupplier("ReplayEvents"))
              .build();
        }
      }
    }
    return getReplayEventsMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static WebhookServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WebhookServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WebhookServiceStub>() {
        @java.lang.Override
        public WebhookServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WebhookServiceStub(channel, callOptions);
        }
      };
    return WebhookServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static WebhookServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WebhookServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WebhookServiceBlockingV2Stub>() {
        @java.lang.Override
        public WebhookServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WebhookServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return WebhookServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static WebhookServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WebhookServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WebhookServiceBlockingStub>() {
        @java.lang.Override
        public WebhookServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WebhookServiceBlockingStub(channel, callOptions);
        }
      };
    return WebhookServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static WebhookServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WebhookServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WebhookServiceFutureStub>() {
        @java.lang.Override
        public WebhookServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WebhookServiceFutureStub(channel, callOptions);
        }
      };
    return WebhookServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * WebhookService pushes status events to HTTP endpoints, for services that cannot hold a stream.
   * Each event is a POST of JSON: {"type": "message.status", "timestamp": …, "data": …}, where data is
   * the StatusEvent of the stream in its JSON form, with "cursor", its place in the log, and
   * "customData", what the callback of the message said. It is signed by the scheme of Standard
   * Webhooks: headers webhook-id (the same on every retry), webhook-timestamp, webhook-signature.
   *   * At least once: an event is repeated until the endpoint answers 2xx, for about a day; then it
   *     is a failed delivery, which can be listed and replayed. Tell repeats by webhook-id.
   *   * In order per message: the first try of an event comes after the events before it of the same
   *     message were delivered or failed. Repeats and replays come when they come.
   *   * Apart: no endpoint waits for another, and a message whose event is being repeated does not
   *     hold up the others of its endpoint.
   *   * 410 Gone disables the webhook. 429 and 503 are heeded with their Retry-After, up to an hour.
   *     An endpoint that only failed for three days is disabled. Redirects are not followed.
   *   * An answer has 10 seconds. Addresses that are not public are refused, unless the operator
   *     allows them; so is plain HTTP.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * CreateWebhook makes an endpoint that gets the events that happen from now on. It needs the scope
     * SEND. The answer has the secret that verifies signatures, which is not shown again.
     * </pre>
     */
    default void createWebhook(internal.smsgate.v1.CreateWebhookRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.CreateWebhookResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateWebhookMethod(), responseObserver);
    }

    /**
     * <pre>
     * GetWebhook returns one webhook of the account, and how it does. It needs the scope READ.
     * </pre>
     */
    default void getWebhook(internal.smsgate.v1.GetWebhookRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.GetWebhookResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetWebhookMethod(), responseObserver);
    }

    /**
     * <pre>
     * ListWebhooks returns all webhooks of the account, oldest first. It needs the scope READ.
     * </pre>
     */
    default void listWebhooks(internal.smsgate.v1.ListWebhooksRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.ListWebhooksResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListWebhooksMethod(), responseObserver);
    }

    /**
     * <pre>
     * UpdateWebhook changes the fields that are set and leaves the others. It needs the scope SEND.
     * Requests that are under way end with what was said before.
     * </pre>
     */
    default void updateWebhook(internal.smsgate.v1.UpdateWebhookRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.UpdateWebhookResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateWebhookMethod(), responseObserver);
    }

    /**
     * <pre>
     * DeleteWebhook ends a webhook and forgets its failed deliveries. It needs the scope SEND. Once it
     * is answered no request is begun for it; by another server on the same store for a few seconds.
     * </pre>
     */
    default void deleteWebhook(internal.smsgate.v1.DeleteWebhookRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.DeleteWebhookResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteWebhookMethod(), responseObserver);
    }

    /**
     * <pre>
     * RotateWebhookSecret makes a new secret, shown once. It needs the scope SEND. For a while the old
     * one signs beside it: a request then has both signatures, and either verifies.
     * </pre>
     */
    default void rotateWebhookSecret(internal.smsgate.v1.RotateWebhookSecretRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.RotateWebhookSecretResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRotateWebhookSecretMethod(), responseObserver);
    }

    /**
     * <pre>
     * TestWebhook sends one event of the type "webhook.test" now, once, and tells what came of it. It
     * needs the scope SEND, and works while the webhook is disabled.
     * </pre>
     */
    default void testWebhook(internal.smsgate.v1.TestWebhookRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.TestWebhookResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getTestWebhookMethod(), responseObserver);
    }

    /**
     * <pre>
     * ListFailedDeliveries returns the events that were given up, by webhook and then in the order of
     * the log. It needs the scope READ. They are kept for 30 days, the newest 10,000 per webhook.
     * </pre>
     */
    default void listFailedDeliveries(internal.smsgate.v1.ListFailedDeliveriesRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.ListFailedDeliveriesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListFailedDeliveriesMethod(), responseObserver);
    }

    /**
     * <pre>
     * ReplayFailedDeliveries tries failed deliveries anew, at once and then as often as new events. It
     * needs the scope SEND.
     * </pre>
     */
    default void replayFailedDeliveries(internal.smsgate.v1.ReplayFailedDeliveriesRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.ReplayFailedDeliveriesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReplayFailedDeliveriesMethod(), responseObserver);
    }

    /**
     * <pre>
     * ReplayEvents sends a webhook again what the log has since a cursor or a time. It needs the scope
     * SEND. Events keep their webhook-id, so a receiver that remembers ids passes over what it had.
     * </pre>
     */
    default void replayEvents(internal.smsgate.v1.ReplayEventsRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.ReplayEventsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReplayEventsMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service WebhookService.
   * <pre>
   * WebhookService pushes status events to HTTP endpoints, for services that cannot hold a stream.
   * Each event is a POST of JSON: {"type": "message.status", "timestamp": …, "data": …}, where data is
   * the StatusEvent of the stream in its JSON form, with "cursor", its place in the log, and
   * "customData", what the callback of the message said. It is signed by the scheme of Standard
   * Webhooks: headers webhook-id (the same on every retry), webhook-timestamp, webhook-signature.
   *   * At least once: an event is repeated until the endpoint answers 2xx, for about a day; then it
   *     is a failed delivery, which can be listed and replayed. Tell repeats by webhook-id.
   *   * In order per message: the first try of an event comes after the events before it of the same
   *     message were delivered or failed. Repeats and replays come when they come.
   *   * Apart: no endpoint waits for another, and a message whose event is being repeated does not
   *     hold up the others of its endpoint.
   *   * 410 Gone disables the webhook. 429 and 503 are heeded with their Retry-After, up to an hour.
   *     An endpoint that only failed for three days is disabled. Redirects are not followed.
   *   * An answer has 10 seconds. Addresses that are not public are refused, unless the operator
   *     allows them; so is plain HTTP.
   * </pre>
   */
  public static abstract class WebhookServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return WebhookServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service WebhookService.
   * <pre>
   * WebhookService pushes status events to HTTP endpoints, for services that cannot hold a stream.
   * Each event is a POST of JSON: {"type": "message.status", "timestamp": …, "data": …}, where data is
   * the StatusEvent of the stream in its JSON form, with "cursor", its place in the log, and
   * "customData", what the callback of the message said. It is signed by the scheme of Standard
   * Webhooks: headers webhook-id (the same on every retry), webhook-timestamp, webhook-signature.
   *   * At least once: an event is repeated until the endpoint answers 2xx, for about a day; then it
   *     is a failed delivery, which can be listed and replayed. Tell repeats by webhook-id.
   *   * In order per message: the first try of an event comes after the events before it of the same
   *     message were delivered or failed. Repeats and replays come when they come.
   *   * Apart: no endpoint waits for another, and a message whose event is being repeated does not
   *     hold up the others of its endpoint.
   *   * 410 Gone disables the webhook. 429 and 503 are heeded with their Retry-After, up to an hour.
   *     An endpoint that only failed for three days is disabled. Redirects are not followed.
   *   * An answer has 10 seconds. Addresses that are not public are refused, unless the operator
   *     allows them; so is plain HTTP.
   * </pre>
   */
  public static final class WebhookServiceStub
      extends io.grpc.stub.AbstractAsyncStub<WebhookServiceStub> {
    private WebhookServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WebhookServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WebhookServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * CreateWebhook makes an endpoint that gets the events that happen from now on. It needs the scope
     * SEND. The answer has the secret that verifies signatures, which is not shown again.
     * </pre>
     */
    public void createWebhook(internal.smsgate.v1.CreateWebhookRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.CreateWebhookResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateWebhookMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * GetWebhook returns one webhook of the account, and how it does. It needs the scope READ.
     * </pre>
     */
    public void getWebhook(internal.smsgate.v1.GetWebhookRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.GetWebhookResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetWebhookMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ListWebhooks returns all webhooks of the account, oldest first. It needs the scope READ.
     * </pre>
     */
    public void listWebhooks(internal.smsgate.v1.ListWebhooksRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.ListWebhooksResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListWebhooksMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * UpdateWebhook changes the fields that are set and leaves the others. It needs the scope SEND.
     * Requests that are under way end with what was said before.
     * </pre>
     */
    public void updateWebhook(internal.smsgate.v1.UpdateWebhookRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.UpdateWebhookResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateWebhookMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * DeleteWebhook ends a webhook and forgets its failed deliveries. It needs the scope SEND. Once it
     * is answered no request is begun for it; by another server on the same store for a few seconds.
     * </pre>
     */
    public void deleteWebhook(internal.smsgate.v1.DeleteWebhookRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.DeleteWebhookResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteWebhookMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * RotateWebhookSecret makes a new secret, shown once. It needs the scope SEND. For a while the old
     * one signs beside it: a request then has both signatures, and either verifies.
     * </pre>
     */
    public void rotateWebhookSecret(internal.smsgate.v1.RotateWebhookSecretRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.RotateWebhookSecretResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRotateWebhookSecretMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * TestWebhook sends one event of the type "webhook.test" now, once, and tells what came of it. It
     * needs the scope SEND, and works while the webhook is disabled.
     * </pre>
     */
    public void testWebhook(internal.smsgate.v1.TestWebhookRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.TestWebhookResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getTestWebhookMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ListFailedDeliveries returns the events that were given up, by webhook and then in the order of
     * the log. It needs the scope READ. They are kept for 30 days, the newest 10,000 per webhook.
     * </pre>
     */
    public void listFailedDeliveries(internal.smsgate.v1.ListFailedDeliveriesRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.ListFailedDeliveriesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListFailedDeliveriesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ReplayFailedDeliveries tries failed deliveries anew, at once and then as often as new events. It
     * needs the scope SEND.
     * </pre>
     */
    public void replayFailedDeliveries(internal.smsgate.v1.ReplayFailedDeliveriesRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.ReplayFailedDeliveriesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getReplayFailedDeliveriesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ReplayEvents sends a webhook again what the log has since a cursor or a time. It needs the scope
     * SEND. Events keep their webhook-id, so a receiver that remembers ids passes over what it had.
     * </pre>
     */
    public void replayEvents(internal.smsgate.v1.ReplayEventsRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.ReplayEventsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getReplayEventsMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service WebhookService.
   * <pre>
   * WebhookService pushes status events to HTTP endpoints, for services that cannot hold a stream.
   * Each event is a POST of JSON: {"type": "message.status", "timestamp": …, "data": …}, where data is
   * the StatusEvent of the stream in its JSON form, with "cursor", its place in the log, and
   * "customData", what the callback of the message said. It is signed by the scheme of Standard
   * Webhooks: headers webhook-id (the same on every retry), webhook-timestamp, webhook-signature.
   *   * At least once: an event is repeated until the endpoint answers 2xx, for about a day; then it
   *     is a failed delivery, which can be listed and replayed. Tell repeats by webhook-id.
   *   * In order per message: the first try of an event comes after the events before it of the same
   *     message were delivered or failed. Repeats and replays come when they come.
   *   * Apart: no endpoint waits for another, and a message whose event is being repeated does not
   *     hold up the others of its endpoint.
   *   * 410 Gone disables the webhook. 429 and 503 are heeded with their Retry-After, up to an hour.
   *     An endpoint that only failed for three days is disabled. Redirects are not followed.
   *   * An answer has 10 seconds. Addresses that are not public are refused, unless the operator
   *     allows them; so is plain HTTP.
   * </pre>
   */
  public static final class WebhookServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<WebhookServiceBlockingV2Stub> {
    private WebhookServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WebhookServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WebhookServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * CreateWebhook makes an endpoint that gets the events that happen from now on. It needs the scope
     * SEND. The answer has the secret that verifies signatures, which is not shown again.
     * </pre>
     */
    public internal.smsgate.v1.CreateWebhookResponse createWebhook(internal.smsgate.v1.CreateWebhookRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateWebhookMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetWebhook returns one webhook of the account, and how it does. It needs the scope READ.
     * </pre>
     */
    public internal.smsgate.v1.GetWebhookResponse getWebhook(internal.smsgate.v1.GetWebhookRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetWebhookMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListWebhooks returns all webhooks of the account, oldest first. It needs the scope READ.
     * </pre>
     */
    public internal.smsgate.v1.ListWebhooksResponse listWebhooks(internal.smsgate.v1.ListWebhooksRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListWebhooksMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * UpdateWebhook changes the fields that are set and leaves the others. It needs the scope SEND.
     * Requests that are under way end with what was said before.
     * </pre>
     */
    public internal.smsgate.v1.UpdateWebhookResponse updateWebhook(internal.smsgate.v1.UpdateWebhookRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateWebhookMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * DeleteWebhook ends a webhook and forgets its failed deliveries. It needs the scope SEND. Once it
     * is answered no request is begun for it; by another server on the same store for a few seconds.
     * </pre>
     */
    public internal.smsgate.v1.DeleteWebhookResponse deleteWebhook(internal.smsgate.v1.DeleteWebhookRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteWebhookMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * RotateWebhookSecret makes a new secret, shown once. It needs the scope SEND. For a while the old
     * one signs beside it: a request then has both signatures, and either verifies.
     * </pre>
     */
    public internal.smsgate.v1.RotateWebhookSecretResponse rotateWebhookSecret(internal.smsgate.v1.RotateWebhookSecretRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRotateWebhookSecretMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * TestWebhook sends one event of the type "webhook.test" now, once, and tells what came of it. It
     * needs the scope SEND, and works while the webhook is disabled.
     * </pre>
     */
    public internal.smsgate.v1.TestWebhookResponse testWebhook(internal.smsgate.v1.TestWebhookRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getTestWebhookMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListFailedDeliveries returns the events that were given up, by webhook and then in the order of
     * the log. It needs the scope READ. They are kept for 30 days, the newest 10,000 per webhook.
     * </pre>
     */
    public internal.smsgate.v1.ListFailedDeliveriesResponse listFailedDeliveries(internal.smsgate.v1.ListFailedDeliveriesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListFailedDeliveriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ReplayFailedDeliveries tries failed deliveries anew, at once and then as often as new events. It
     * needs the scope SEND.
     * </pre>
     */
    public internal.smsgate.v1.ReplayFailedDeliveriesResponse replayFailedDeliveries(internal.smsgate.v1.ReplayFailedDeliveriesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getReplayFailedDeliveriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ReplayEvents sends a webhook again what the log has since a cursor or a time. It needs the scope
     * SEND. Events keep their webhook-id, so a receiver that remembers ids passes over what it had.
     * </pre>
     */
    public internal.smsgate.v1.ReplayEventsResponse replayEvents(internal.smsgate.v1.ReplayEventsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getReplayEventsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service WebhookService.
   * <pre>
   * WebhookService pushes status events to HTTP endpoints, for services that cannot hold a stream.
   * Each event is a POST of JSON: {"type": "message.status", "timestamp": …, "data": …}, where data is
   * the StatusEvent of the stream in its JSON form, with "cursor", its place in the log, and
   * "customData", what the callback of the message said. It is signed by the scheme of Standard
   * Webhooks: headers webhook-id (the same on every retry), webhook-timestamp, webhook-signature.
   *   * At least once: an event is repeated until the endpoint answers 2xx, for about a day; then it
   *     is a failed delivery, which can be listed and replayed. Tell repeats by webhook-id.
   *   * In order per message: the first try of an event comes after the events before it of the same
   *     message were delivered or failed. Repeats and replays come when they come.
   *   * Apart: no endpoint waits for another, and a message whose event is being repeated does not
   *     hold up the others of its endpoint.
   *   * 410 Gone disables the webhook. 429 and 503 are heeded with their Retry-After, up to an hour.
   *     An endpoint that only failed for three days is disabled. Redirects are not followed.
   *   * An answer has 10 seconds. Addresses that are not public are refused, unless the operator
   *     allows them; so is plain HTTP.
   * </pre>
   */
  public static final class WebhookServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<WebhookServiceBlockingStub> {
    private WebhookServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WebhookServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WebhookServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * CreateWebhook makes an endpoint that gets the events that happen from now on. It needs the scope
     * SEND. The answer has the secret that verifies signatures, which is not shown again.
     * </pre>
     */
    public internal.smsgate.v1.CreateWebhookResponse createWebhook(internal.smsgate.v1.CreateWebhookRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateWebhookMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetWebhook returns one webhook of the account, and how it does. It needs the scope READ.
     * </pre>
     */
    public internal.smsgate.v1.GetWebhookResponse getWebhook(internal.smsgate.v1.GetWebhookRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetWebhookMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListWebhooks returns all webhooks of the account, oldest first. It needs the scope READ.
     * </pre>
     */
    public internal.smsgate.v1.ListWebhooksResponse listWebhooks(internal.smsgate.v1.ListWebhooksRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListWebhooksMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * UpdateWebhook changes the fields that are set and leaves the others. It needs the scope SEND.
     * Requests that are under way end with what was said before.
     * </pre>
     */
    public internal.smsgate.v1.UpdateWebhookResponse updateWebhook(internal.smsgate.v1.UpdateWebhookRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateWebhookMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * DeleteWebhook ends a webhook and forgets its failed deliveries. It needs the scope SEND. Once it
     * is answered no request is begun for it; by another server on the same store for a few seconds.
     * </pre>
     */
    public internal.smsgate.v1.DeleteWebhookResponse deleteWebhook(internal.smsgate.v1.DeleteWebhookRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteWebhookMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * RotateWebhookSecret makes a new secret, shown once. It needs the scope SEND. For a while the old
     * one signs beside it: a request then has both signatures, and either verifies.
     * </pre>
     */
    public internal.smsgate.v1.RotateWebhookSecretResponse rotateWebhookSecret(internal.smsgate.v1.RotateWebhookSecretRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRotateWebhookSecretMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * TestWebhook sends one event of the type "webhook.test" now, once, and tells what came of it. It
     * needs the scope SEND, and works while the webhook is disabled.
     * </pre>
     */
    public internal.smsgate.v1.TestWebhookResponse testWebhook(internal.smsgate.v1.TestWebhookRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getTestWebhookMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListFailedDeliveries returns the events that were given up, by webhook and then in the order of
     * the log. It needs the scope READ. They are kept for 30 days, the newest 10,000 per webhook.
     * </pre>
     */
    public internal.smsgate.v1.ListFailedDeliveriesResponse listFailedDeliveries(internal.smsgate.v1.ListFailedDeliveriesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListFailedDeliveriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ReplayFailedDeliveries tries failed deliveries anew, at once and then as often as new events. It
     * needs the scope SEND.
     * </pre>
     */
    public internal.smsgate.v1.ReplayFailedDeliveriesResponse replayFailedDeliveries(internal.smsgate.v1.ReplayFailedDeliveriesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getReplayFailedDeliveriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ReplayEvents sends a webhook again what the log has since a cursor or a time. It needs the scope
     * SEND. Events keep their webhook-id, so a receiver that remembers ids passes over what it had.
     * </pre>
     */
    public internal.smsgate.v1.ReplayEventsResponse replayEvents(internal.smsgate.v1.ReplayEventsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getReplayEventsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service WebhookService.
   * <pre>
   * WebhookService pushes status events to HTTP endpoints, for services that cannot hold a stream.
   * Each event is a POST of JSON: {"type": "message.status", "timestamp": …, "data": …}, where data is
   * the StatusEvent of the stream in its JSON form, with "cursor", its place in the log, and
   * "customData", what the callback of the message said. It is signed by the scheme of Standard
   * Webhooks: headers webhook-id (the same on every retry), webhook-timestamp, webhook-signature.
   *   * At least once: an event is repeated until the endpoint answers 2xx, for about a day; then it
   *     is a failed delivery, which can be listed and replayed. Tell repeats by webhook-id.
   *   * In order per message: the first try of an event comes after the events before it of the same
   *     message were delivered or failed. Repeats and replays come when they come.
   *   * Apart: no endpoint waits for another, and a message whose event is being repeated does not
   *     hold up the others of its endpoint.
   *   * 410 Gone disables the webhook. 429 and 503 are heeded with their Retry-After, up to an hour.
   *     An endpoint that only failed for three days is disabled. Redirects are not followed.
   *   * An answer has 10 seconds. Addresses that are not public are refused, unless the operator
   *     allows them; so is plain HTTP.
   * </pre>
   */
  public static final class WebhookServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<WebhookServiceFutureStub> {
    private WebhookServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WebhookServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WebhookServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * CreateWebhook makes an endpoint that gets the events that happen from now on. It needs the scope
     * SEND. The answer has the secret that verifies signatures, which is not shown again.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.CreateWebhookResponse> createWebhook(
        internal.smsgate.v1.CreateWebhookRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateWebhookMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * GetWebhook returns one webhook of the account, and how it does. It needs the scope READ.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.GetWebhookResponse> getWebhook(
        internal.smsgate.v1.GetWebhookRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetWebhookMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ListWebhooks returns all webhooks of the account, oldest first. It needs the scope READ.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.ListWebhooksResponse> listWebhooks(
        internal.smsgate.v1.ListWebhooksRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListWebhooksMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * UpdateWebhook changes the fields that are set and leaves the others. It needs the scope SEND.
     * Requests that are under way end with what was said before.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.UpdateWebhookResponse> updateWebhook(
        internal.smsgate.v1.UpdateWebhookRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateWebhookMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * DeleteWebhook ends a webhook and forgets its failed deliveries. It needs the scope SEND. Once it
     * is answered no request is begun for it; by another server on the same store for a few seconds.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.DeleteWebhookResponse> deleteWebhook(
        internal.smsgate.v1.DeleteWebhookRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteWebhookMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * RotateWebhookSecret makes a new secret, shown once. It needs the scope SEND. For a while the old
     * one signs beside it: a request then has both signatures, and either verifies.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.RotateWebhookSecretResponse> rotateWebhookSecret(
        internal.smsgate.v1.RotateWebhookSecretRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRotateWebhookSecretMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * TestWebhook sends one event of the type "webhook.test" now, once, and tells what came of it. It
     * needs the scope SEND, and works while the webhook is disabled.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.TestWebhookResponse> testWebhook(
        internal.smsgate.v1.TestWebhookRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getTestWebhookMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ListFailedDeliveries returns the events that were given up, by webhook and then in the order of
     * the log. It needs the scope READ. They are kept for 30 days, the newest 10,000 per webhook.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.ListFailedDeliveriesResponse> listFailedDeliveries(
        internal.smsgate.v1.ListFailedDeliveriesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListFailedDeliveriesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ReplayFailedDeliveries tries failed deliveries anew, at once and then as often as new events. It
     * needs the scope SEND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.ReplayFailedDeliveriesResponse> replayFailedDeliveries(
        internal.smsgate.v1.ReplayFailedDeliveriesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getReplayFailedDeliveriesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ReplayEvents sends a webhook again what the log has since a cursor or a time. It needs the scope
     * SEND. Events keep their webhook-id, so a receiver that remembers ids passes over what it had.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.ReplayEventsResponse> replayEvents(
        internal.smsgate.v1.ReplayEventsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getReplayEventsMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CREATE_WEBHOOK = 0;
  private static final int METHODID_GET_WEBHOOK = 1;
  private static final int METHODID_LIST_WEBHOOKS = 2;
  private static final int METHODID_UPDATE_WEBHOOK = 3;
  private static final int METHODID_DELETE_WEBHOOK = 4;
  private static final int METHODID_ROTATE_WEBHOOK_SECRET = 5;
  private static final int METHODID_TEST_WEBHOOK = 6;
  private static final int METHODID_LIST_FAILED_DELIVERIES = 7;
  private static final int METHODID_REPLAY_FAILED_DELIVERIES = 8;
  private static final int METHODID_REPLAY_EVENTS = 9;

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
        case METHODID_CREATE_WEBHOOK:
          serviceImpl.createWebhook((internal.smsgate.v1.CreateWebhookRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.CreateWebhookResponse>) responseObserver);
          break;
        case METHODID_GET_WEBHOOK:
          serviceImpl.getWebhook((internal.smsgate.v1.GetWebhookRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.GetWebhookResponse>) responseObserver);
          break;
        case METHODID_LIST_WEBHOOKS:
          serviceImpl.listWebhooks((internal.smsgate.v1.ListWebhooksRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.ListWebhooksResponse>) responseObserver);
          break;
        case METHODID_UPDATE_WEBHOOK:
          serviceImpl.updateWebhook((internal.smsgate.v1.UpdateWebhookRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.UpdateWebhookResponse>) responseObserver);
          break;
        case METHODID_DELETE_WEBHOOK:
          serviceImpl.deleteWebhook((internal.smsgate.v1.DeleteWebhookRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.DeleteWebhookResponse>) responseObserver);
          break;
        case METHODID_ROTATE_WEBHOOK_SECRET:
          serviceImpl.rotateWebhookSecret((internal.smsgate.v1.RotateWebhookSecretRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.RotateWebhookSecretResponse>) responseObserver);
          break;
        case METHODID_TEST_WEBHOOK:
          serviceImpl.testWebhook((internal.smsgate.v1.TestWebhookRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.TestWebhookResponse>) responseObserver);
          break;
        case METHODID_LIST_FAILED_DELIVERIES:
          serviceImpl.listFailedDeliveries((internal.smsgate.v1.ListFailedDeliveriesRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.ListFailedDeliveriesResponse>) responseObserver);
          break;
        case METHODID_REPLAY_FAILED_DELIVERIES:
          serviceImpl.replayFailedDeliveries((internal.smsgate.v1.ReplayFailedDeliveriesRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.ReplayFailedDeliveriesResponse>) responseObserver);
          break;
        case METHODID_REPLAY_EVENTS:
          serviceImpl.replayEvents((internal.smsgate.v1.ReplayEventsRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.ReplayEventsResponse>) responseObserver);
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
          getCreateWebhookMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.CreateWebhookRequest,
              internal.smsgate.v1.CreateWebhookResponse>(
                service, METHODID_CREATE_WEBHOOK)))
        .addMethod(
          getGetWebhookMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.GetWebhookRequest,
              internal.smsgate.v1.GetWebhookResponse>(
                service, METHODID_GET_WEBHOOK)))
        .addMethod(
          getListWebhooksMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.ListWebhooksRequest,
              internal.smsgate.v1.ListWebhooksResponse>(
                service, METHODID_LIST_WEBHOOKS)))
        .addMethod(
          getUpdateWebhookMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.UpdateWebhookRequest,
              internal.smsgate.v1.UpdateWebhookResponse>(
                service, METHODID_UPDATE_WEBHOOK)))
        .addMethod(
          getDeleteWebhookMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.DeleteWebhookRequest,
              internal.smsgate.v1.DeleteWebhookResponse>(
                service, METHODID_DELETE_WEBHOOK)))
        .addMethod(
          getRotateWebhookSecretMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.RotateWebhookSecretRequest,
              internal.smsgate.v1.RotateWebhookSecretResponse>(
                service, METHODID_ROTATE_WEBHOOK_SECRET)))
        .addMethod(
          getTestWebhookMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.TestWebhookRequest,
              internal.smsgate.v1.TestWebhookResponse>(
                service, METHODID_TEST_WEBHOOK)))
        .addMethod(
          getListFailedDeliveriesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.ListFailedDeliveriesRequest,
              internal.smsgate.v1.ListFailedDeliveriesResponse>(
                service, METHODID_LIST_FAILED_DELIVERIES)))
        .addMethod(
          getReplayFailedDeliveriesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.ReplayFailedDeliveriesRequest,
              internal.smsgate.v1.ReplayFailedDeliveriesResponse>(
                service, METHODID_REPLAY_FAILED_DELIVERIES)))
        .addMethod(
          getReplayEventsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.ReplayEventsRequest,
              internal.smsgate.v1.ReplayEventsResponse>(
                service, METHODID_REPLAY_EVENTS)))
        .build();
  }

  private static abstract class WebhookServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    WebhookServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return internal.smsgate.v1.WebhookServiceOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("WebhookService");
    }
  }

  private static final class WebhookServiceFileDescriptorSupplier
      extends WebhookServiceBaseDescriptorSupplier {
    WebhookServiceFileDescriptorSupplier() {}
  }

  private static final class WebhookServiceMethodDescriptorSupplier
      extends WebhookServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    WebhookServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (WebhookServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new WebhookServiceFileDescriptorSupplier())
              .addMethod(getCreateWebhookMethod())
              .addMethod(getGetWebhookMethod())
              .addMethod(getListWebhooksMethod())
              .addMethod(getUpdateWebhookMethod())
              .addMethod(getDeleteWebhookMethod())
              .addMethod(getRotateWebhookSecretMethod())
              .addMethod(getTestWebhookMethod())
              .addMethod(getListFailedDeliveriesMethod())
              .addMethod(getReplayFailedDeliveriesMethod())
              .addMethod(getReplayEventsMethod())
              .build();
        }
      }
    }
    return result;
  }
}
