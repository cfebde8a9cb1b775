"""What words refer to: purposes, notices, recipients, controllers, endpoints; and the laws."""
