import { sweep } from './sweep.ts'

// Waits for the test run to end, however it does: its end of the channel closes even when it is killed.
const [runDir] = process.argv.slice(2)
process.once('disconnect', () => {
  if (runDir !== undefined) void sweep(runDir)
})
