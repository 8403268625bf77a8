package internal.smsgate.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * CarrierService tells how the carriers do that messages are sent through.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class CarrierServiceGrpc {

  private CarrierServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "smsgate.v1.CarrierService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.ListCarriersRequest,
      internal.smsgate.v1.ListCarriersResponse> getListCarriersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListCarriers",
      requestType = internal.smsgate.v1.ListCarriersRequest.class,
      responseType = internal.smsgate.v1.ListCarriersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.ListCarriersRequest,
      internal.smsgate.v1.ListCarriersResponse> getListCarriersMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.ListCarriersRequest, internal.smsgate.v1.ListCarriersResponse> getListCarriersMethod;
    if ((getListCarriersMethod = CarrierServiceGrpc.getListCarriersMethod) == null) {
      synchronized (CarrierServiceGrpc.class) {
        if ((getListCarriersMethod = CarrierServiceGrpc.getListCarriersMethod) == null) {
          CarrierServiceGrpc.getListCarriersMethod = getListCarriersMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.ListCarriersRequest, internal.smsgate.v1.ListCarriersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListCarriers"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.ListCarriersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.ListCarriersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CarrierServiceMethodDescriptorSupplier("ListCarriers"))
              .build();
        }
      }
    }
    return getListCarriersMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static CarrierServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CarrierServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CarrierServiceStub>() {
        @java.lang.Override
        public CarrierServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CarrierServiceStub(channel, callOptions);
        }
      };
    return CarrierServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static CarrierServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CarrierServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CarrierServiceBlockingV2Stub>() {
        @java.lang.Override
        public CarrierServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CarrierServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return CarrierServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static CarrierServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CarrierServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CarrierServiceBlockingStub>() {
        @java.lang.Override
        public CarrierServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CarrierServiceBlockingStub(channel, callOptions);
        }
      };
    return CarrierServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static CarrierServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CarrierServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CarrierServiceFutureStub>() {
        @java.lang.Override
        public CarrierServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CarrierServiceFutureStub(channel, callOptions);
        }
      };
    return CarrierServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * CarrierService tells how the carriers do that messages are sent through.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * ListCarriers returns every carrier as the server that is bound to it last reported it. It needs
     * the scope READ; reports are at most 15 seconds old while a server runs.
     * </pre>
     */
    default void listCarriers(internal.smsgate.v1.ListCarriersRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.ListCarriersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListCarriersMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service CarrierService.
   * <pre>
   * CarrierService tells how the carriers do that messages are sent through.
   * </pre>
   */
  public static abstract class CarrierServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return CarrierServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service CarrierService.
   * <pre>
   * CarrierService tells how the carriers do that messages are sent through.
   * </pre>
   */
  public static final class CarrierServiceStub
      extends io.grpc.stub.AbstractAsyncStub<CarrierServiceStub> {
    private CarrierServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CarrierServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CarrierServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * ListCarriers returns every carrier as the server that is bound to it last reported it. It needs
     * the scope READ; reports are at most 15 seconds old while a server runs.
     * </pre>
     */
    public void listCarriers(internal.smsgate.v1.ListCarriersRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.ListCarriersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListCarriersMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service CarrierService.
   * <pre>
   * CarrierService tells how the carriers do that messages are sent through.
   * </pre>
   */
  public static final class CarrierServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<CarrierServiceBlockingV2Stub> {
    private CarrierServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CarrierServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CarrierServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * ListCarriers returns every carrier as the server that is bound to it last reported it. It needs
     * the scope READ; reports are at most 15 seconds old while a server runs.
     * </pre>
     */
    public internal.smsgate.v1.ListCarriersResponse listCarriers(internal.smsgate.v1.ListCarriersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListCarriersMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service CarrierService.
   * <pre>
   * CarrierService tells how the carriers do that messages are sent through.
   * </pre>
   */
  public static final class CarrierServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<CarrierServiceBlockingStub> {
    private CarrierServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CarrierServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CarrierServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * ListCarriers returns every carrier as the server that is bound to it last reported it. It needs
     * the scope READ; reports are at most 15 seconds old while a server runs.
     * </pre>
     */
    public internal.smsgate.v1.ListCarriersResponse listCarriers(internal.smsgate.v1.ListCarriersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListCarriersMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service CarrierService.
   * <pre>
   * CarrierService tells how the carriers do that messages are sent through.
   * </pre>
   */
  public static final class CarrierServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<CarrierServiceFutureStub> {
    private CarrierServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CarrierServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CarrierServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * ListCarriers returns every carrier as the server that is bound to it last reported it. It needs
     * the scope READ; reports are at most 15 seconds old while a server runs.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.ListCarriersResponse> listCarriers(
        internal.smsgate.v1.ListCarriersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListCarriersMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_LIST_CARRIERS = 0;

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
        case METHODID_LIST_CARRIERS:
          serviceImpl.listCarriers((internal.smsgate.v1.ListCarriersRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.ListCarriersResponse>) responseObserver);
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
          getListCarriersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.ListCarriersRequest,
              internal.smsgate.v1.ListCarriersResponse>(
                service, METHODID_LIST_CARRIERS)))
        .build();
  }

  private static abstract class CarrierServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    CarrierServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return internal.smsgate.v1.CarrierServiceOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("CarrierService");
    }
  }

  private static final class CarrierServiceFileDescriptorSupplier
      extends CarrierServiceBaseDescriptorSupplier {
    CarrierServiceFileDescriptorSupplier() {}
  }

  private static final class CarrierServiceMethodDescriptorSupplier
      extends CarrierServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    CarrierServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (CarrierServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new CarrierServiceFileDescriptorSupplier())
              .addMethod(getListCarriersMethod())
              .build();
        }
      }
    }
    return result;
  }
}
