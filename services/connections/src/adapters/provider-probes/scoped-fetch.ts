import { AsyncLocalStorage } from 'node:async_hooks'
import { type Dispatcher, getGlobalDispatcher, setGlobalDispatcher } from 'undici'

/**
 * Has everything that `work` sends with the global `fetch` go through `dispatcher`. This is for SDKs that can be given no `fetch`
 * of their own (Google's). What else the process sends meanwhile goes its own way.
 */
export function withDispatcher<T>(dispatcher: Dispatcher, work: () => Promise<T>): Promise<T> {
  return current.run(dispatcher, work)
}

const current = new AsyncLocalStorage<Dispatcher>()

// Once a process. Outside of `withDispatcher` the dispatcher before it sends, as it always did.
setGlobalDispatcher(
  getGlobalDispatcher().compose((dispatch) => (options, handler) => {
    const dispatcher = current.getStore()
    return dispatcher === undefined ? dispatch(options, handler) : dispatcher.dispatch(options, handler)
  }),
)
