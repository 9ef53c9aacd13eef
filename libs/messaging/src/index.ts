export type { DeadLetter, StreamMessage } from './batch-handler.ts'
export { type Bucket, type BucketEntry, type BucketState, openBucket, type UpdateResult } from './bucket.ts'
export type { BusTls } from './bus.ts'
export { type Bus, type BusOptions, connectBus } from './bus.ts'
export { type ConsumeOptions, type Consuming, consume } from './consume.ts'
export type { RollBack } from './durable-consumer.ts'
export {
  NoReplyError,
  NoRespondersError,
  NoRoomError,
  NotConfirmedError,
  NotPermittedError,
  UnprocessableMessageError,
  UnreadableEntryError,
} from './errors.ts'
export { publishEvent, subscribeEvent } from './events.ts'
export { type RequestOptions, request } from './request.ts'
export { type Served, type ServeOptions, serve } from './serve.ts'
export { awaitStream, createStream, ensureStream, publishToStream } from './stream.ts'
export type { Watch, WatchedEntry, WatchOptions } from './watch.ts'
