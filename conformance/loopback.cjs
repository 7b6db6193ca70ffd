// The suite's server listens on all addresses; nobody but this machine may reach it.
const { Server } = require('node:net')

const listen = Server.prototype.listen
Server.prototype.listen = function (port) {
  return listen.call(this, port, '127.0.0.1')
}
