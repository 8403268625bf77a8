package internal.smsgate.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * PricingService tells what a message costs, and where it can go, before it is sent. Every rpc is
 * free, changes nothing and needs the scope READ.
 * A price that is not known is said to be unknown: then the price is unset and its status is
 * UNKNOWN. It is never 0 and never a guess. All prices are per segment and exclude VAT. What a
 * message will be charged is frozen when it is accepted; new tariffs change only later messages.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class PricingServiceGrpc {

  private PricingServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "smsgate.v1.PricingService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.ListPricesRequest,
      internal.smsgate.v1.ListPricesResponse> getListPricesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListPrices",
      requestType = internal.smsgate.v1.ListPricesRequest.class,
      responseType = internal.smsgate.v1.ListPricesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.ListPricesRequest,
      internal.smsgate.v1.ListPricesResponse> getListPricesMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.ListPricesRequest, internal.smsgate.v1.ListPricesResponse> getListPricesMethod;
    if ((getListPricesMethod = PricingServiceGrpc.getListPricesMethod) == null) {
      synchronized (PricingServiceGrpc.class) {
        if ((getListPricesMethod = PricingServiceGrpc.getListPricesMethod) == null) {
          PricingServiceGrpc.getListPricesMethod = getListPricesMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.ListPricesRequest, internal.smsgate.v1.ListPricesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListPrices"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.ListPricesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.ListPricesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new PricingServiceMethodDescriptorSupplier("ListPrices"))
              .build();
        }
      }
    }
    return getListPricesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.ListDestinationsRequest,
      internal.smsgate.v1.ListDestinationsResponse> getListDestinationsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListDestinations",
      requestType = internal.smsgate.v1.ListDestinationsRequest.class,
      responseType = internal.smsgate.v1.ListDestinationsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.ListDestinationsRequest,
      internal.smsgate.v1.ListDestinationsResponse> getListDestinationsMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.ListDestinationsRequest, internal.smsgate.v1.ListDestinationsResponse> getListDestinationsMethod;
    if ((getListDestinationsMethod = PricingServiceGrpc.getListDestinationsMethod) == null) {
      synchronized (PricingServiceGrpc.class) {
        if ((getListDestinationsMethod = PricingServiceGrpc.getListDestinationsMethod) == null) {
          PricingServiceGrpc.getListDestinationsMethod = getListDestinationsMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.ListDestinationsRequest, internal.smsgate.v1.ListDestinationsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListDestinations"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.ListDestinationsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.ListDestinationsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new PricingServiceMethodDescriptorSupplier("ListDestinations"))
              .build();
        }
      }
    }
    return getListDestinationsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.LookupNumberRequest,
      internal.smsgate.v1.LookupNumberResponse> getLookupNumberMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "LookupNumber",
      requestType = internal.smsgate.v1.LookupNumberRequest.class,
      responseType = internal.smsgate.v1.LookupNumberResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.LookupNumberRequest,
      internal.smsgate.v1.LookupNumberResponse> getLookupNumberMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.LookupNumberRequest, internal.smsgate.v1.LookupNumberResponse> getLookupNumberMethod;
    if ((getLookupNumberMethod = PricingServiceGrpc.getLookupNumberMethod) == null) {
      synchronized (PricingServiceGrpc.class) {
        if ((getLookupNumberMethod = PricingServiceGrpc.getLookupNumberMethod) == null) {
          PricingServiceGrpc.getLookupNumberMethod = getLookupNumberMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.LookupNumberRequest, internal.smsgate.v1.LookupNumberResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "LookupNumber"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.LookupNumberRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.LookupNumberResponse.getDefaultInstance()))
              .setSchemaDescriptor(new PricingServiceMethodDescriptorSupplier("LookupNumber"))
              .build();
        }
      }
    }
    return getLookupNumberMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static PricingServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PricingServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PricingServiceStub>() {
        @java.lang.Override
        public PricingServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PricingServiceStub(channel, callOptions);
        }
      };
    return PricingServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static PricingServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PricingServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PricingServiceBlockingV2Stub>() {
        @java.lang.Override
        public PricingServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PricingServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return PricingServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static PricingServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PricingServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PricingServiceBlockingStub>() {
        @java.lang.Override
        public PricingServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PricingServiceBlockingStub(channel, callOptions);
        }
      };
    return PricingServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static PricingServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PricingServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PricingServiceFutureStub>() {
        @java.lang.Override
        public PricingServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PricingServiceFutureStub(channel, callOptions);
        }
      };
    return PricingServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * PricingService tells what a message costs, and where it can go, before it is sent. Every rpc is
   * free, changes nothing and needs the scope READ.
   * A price that is not known is said to be unknown: then the price is unset and its status is
   * UNKNOWN. It is never 0 and never a guess. All prices are per segment and exclude VAT. What a
   * message will be charged is frozen when it is accepted; new tariffs change only later messages.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * ListPrices returns the rows of the tariffs, ordered by country, network and billing mode.
     * </pre>
     */
    default void listPrices(internal.smsgate.v1.ListPricesRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.ListPricesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListPricesMethod(), responseObserver);
    }

    /**
     * <pre>
     * ListDestinations returns every country and non-geographic code that the numbering plans know,
     * each with its price or the plain statement that none is known, ordered by name.
     * </pre>
     */
    default void listDestinations(internal.smsgate.v1.ListDestinationsRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.ListDestinationsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListDestinationsMethod(), responseObserver);
    }

    /**
     * <pre>
     * LookupNumber tells all that is known of a number without asking a network. A wrong number is an
     * answer, not an error.
     * </pre>
     */
    default void lookupNumber(internal.smsgate.v1.LookupNumberRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.LookupNumberResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getLookupNumberMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service PricingService.
   * <pre>
   * PricingService tells what a message costs, and where it can go, before it is sent. Every rpc is
   * free, changes nothing and needs the scope READ.
   * A price that is not known is said to be unknown: then the price is unset and its status is
   * UNKNOWN. It is never 0 and never a guess. All prices are per segment and exclude VAT. What a
   * message will be charged is frozen when it is accepted; new tariffs change only later messages.
   * </pre>
   */
  public static abstract class PricingServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return PricingServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service PricingService.
   * <pre>
   * PricingService tells what a message costs, and where it can go, before it is sent. Every rpc is
   * free, changes nothing and needs the scope READ.
   * A price that is not known is said to be unknown: then the price is unset and its status is
   * UNKNOWN. It is never 0 and never a guess. All prices are per segment and exclude VAT. What a
   * message will be charged is frozen when it is accepted; new tariffs change only later messages.
   * </pre>
   */
  public static final class PricingServiceStub
      extends io.grpc.stub.AbstractAsyncStub<PricingServiceStub> {
    private PricingServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PricingServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PricingServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * ListPrices returns the rows of the tariffs, ordered by country, network and billing mode.
     * </pre>
     */
    public void listPrices(internal.smsgate.v1.ListPricesRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.ListPricesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListPricesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ListDestinations returns every country and non-geographic code that the numbering plans know,
     * each with its price or the plain statement that none is known, ordered by name.
     * </pre>
     */
    public void listDestinations(internal.smsgate.v1.ListDestinationsRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.ListDestinationsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListDestinationsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * LookupNumber tells all that is known of a number without asking a network. A wrong number is an
     * answer, not an error.
     * </pre>
     */
    public void lookupNumber(internal.smsgate.v1.LookupNumberRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.LookupNumberResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getLookupNumberMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service PricingService.
   * <pre>
   * PricingService tells what a message costs, and where it can go, before it is sent. Every rpc is
   * free, changes nothing and needs the scope READ.
   * A price that is not known is said to be unknown: then the price is unset and its status is
   * UNKNOWN. It is never 0 and never a guess. All prices are per segment and exclude VAT. What a
   * message will be charged is frozen when it is accepted; new tariffs change only later messages.
   * </pre>
   */
  public static final class PricingServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<PricingServiceBlockingV2Stub> {
    private PricingServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PricingServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PricingServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * ListPrices returns the rows of the tariffs, ordered by country, network and billing mode.
     * </pre>
     */
    public internal.smsgate.v1.ListPricesResponse listPrices(internal.smsgate.v1.ListPricesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListPricesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListDestinations returns every country and non-geographic code that the numbering plans know,
     * each with its price or the plain statement that none is known, ordered by name.
     * </pre>
     */
    public internal.smsgate.v1.ListDestinationsResponse listDestinations(internal.smsgate.v1.ListDestinationsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListDestinationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * LookupNumber tells all that is known of a number without asking a network. A wrong number is an
     * answer, not an error.
     * </pre>
     */
    public internal.smsgate.v1.LookupNumberResponse lookupNumber(internal.smsgate.v1.LookupNumberRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getLookupNumberMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service PricingService.
   * <pre>
   * PricingService tells what a message costs, and where it can go, before it is sent. Every rpc is
   * free, changes nothing and needs the scope READ.
   * A price that is not known is said to be unknown: then the price is unset and its status is
   * UNKNOWN. It is never 0 and never a guess. All prices are per segment and exclude VAT. What a
   * message will be charged is frozen when it is accepted; new tariffs change only later messages.
   * </pre>
   */
  public static final class PricingServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<PricingServiceBlockingStub> {
    private PricingServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PricingServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PricingServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * ListPrices returns the rows of the tariffs, ordered by country, network and billing mode.
     * </pre>
     */
    public internal.smsgate.v1.ListPricesResponse listPrices(internal.smsgate.v1.ListPricesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListPricesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListDestinations returns every country and non-geographic code that the numbering plans know,
     * each with its price or the plain statement that none is known, ordered by name.
     * </pre>
     */
    public internal.smsgate.v1.ListDestinationsResponse listDestinations(internal.smsgate.v1.ListDestinationsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListDestinationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * LookupNumber tells all that is known of a number without asking a network. A wrong number is an
     * answer, not an error.
     * </pre>
     */
    public internal.smsgate.v1.LookupNumberResponse lookupNumber(internal.smsgate.v1.LookupNumberRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getLookupNumberMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service PricingService.
   * <pre>
   * PricingService tells what a message costs, and where it can go, before it is sent. Every rpc is
   * free, changes nothing and needs the scope READ.
   * A price that is not known is said to be unknown: then the price is unset and its status is
   * UNKNOWN. It is never 0 and never a guess. All prices are per segment and exclude VAT. What a
   * message will be charged is frozen when it is accepted; new tariffs change only later messages.
   * </pre>
   */
  public static final class PricingServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<PricingServiceFutureStub> {
    private PricingServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PricingServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PricingServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * ListPrices returns the rows of the tariffs, ordered by country, network and billing mode.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.ListPricesResponse> listPrices(
        internal.smsgate.v1.ListPricesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListPricesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ListDestinations returns every country and non-geographic code that the numbering plans know,
     * each with its price or the plain statement that none is known, ordered by name.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.ListDestinationsResponse> listDestinations(
        internal.smsgate.v1.ListDestinationsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListDestinationsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * LookupNumber tells all that is known of a number without asking a network. A wrong number is an
     * answer, not an error.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.LookupNumberResponse> lookupNumber(
        internal.smsgate.v1.LookupNumberRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getLookupNumberMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_LIST_PRICES = 0;
  private static final int METHODID_LIST_DESTINATIONS = 1;
  private static final int METHODID_LOOKUP_NUMBER = 2;

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
        case METHODID_LIST_PRICES:
          serviceImpl.listPrices((internal.smsgate.v1.ListPricesRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.ListPricesResponse>) responseObserver);
          break;
        case METHODID_LIST_DESTINATIONS:
          serviceImpl.listDestinations((internal.smsgate.v1.ListDestinationsRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.ListDestinationsResponse>) responseObserver);
          break;
        case METHODID_LOOKUP_NUMBER:
          serviceImpl.lookupNumber((internal.smsgate.v1.LookupNumberRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.LookupNumberResponse>) responseObserver);
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
          getListPricesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.ListPricesRequest,
              internal.smsgate.v1.ListPricesResponse>(
                service, METHODID_LIST_PRICES)))
        .addMethod(
          getListDestinationsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.ListDestinationsRequest,
              internal.smsgate.v1.ListDestinationsResponse>(
                service, METHODID_LIST_DESTINATIONS)))
        .addMethod(
          getLookupNumberMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.LookupNumberRequest,
              internal.smsgate.v1.LookupNumberResponse>(
                service, METHODID_LOOKUP_NUMBER)))
        .build();
  }

  private static abstract class PricingServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    PricingServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return internal.smsgate.v1.PricingServiceOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("PricingService");
    }
  }

  private static final class PricingServiceFileDescriptorSupplier
      extends PricingServiceBaseDescriptorSupplier {
    PricingServiceFileDescriptorSupplier() {}
  }

  private static final class PricingServiceMethodDescriptorSupplier
      extends PricingServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    PricingServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (PricingServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new PricingServiceFileDescriptorSupplier())
              .addMethod(getListPricesMethod())
              .addMethod(getListDestinationsMethod())
              .addMethod(getLookupNumberMethod())
              .build();
        }
      }
    }
    return result;
  }
}
