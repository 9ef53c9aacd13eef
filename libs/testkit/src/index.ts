export { freePort } from '@sluice/local'
export { type TestDatabase, testDatabase } from './database.ts'
export { eventually } from './eventually.ts'
export { type TestNats, testNats } from './nats.ts'
