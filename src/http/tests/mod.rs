//! What holds for whole messages, across the files of this room.

mod properties;
mod replies;
