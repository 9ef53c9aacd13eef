export { type Bucket, type BucketEntry, type BucketState, openBucket, type UpdateResult } from './bucket.ts'
export { type Bus, type BusOptions, connectBus } from './bus.ts'
export type { BusTls } from './connect-once-there.ts'
export { type ConsumeOptions, type Consuming, consume, type StreamMessage } from './consume.ts'
export type { RollBack } from './durable-consumer.ts'
export { publishEvent, subscribeEvent } from './event.ts'
export {
  NoReplyError,
  NoRespondersError,
  NoRoomError,
  NotConfirmedError,
  NotPermittedError,
  UnreadableEntryError,
} from './faults.ts'
export { type RequestOptions, request } from './request.ts'
export { type Served, type ServeOptions, serve } from './serve.ts'
export { awaitStream, createStream, ensureStream, publishToStream } from './stream.ts'
export type { Watch, WatchedEntry, WatchOptions } from './watch.ts'
