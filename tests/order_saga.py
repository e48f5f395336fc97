"""The services whose saga these tests tell, whoever else takes part by now."""

from inventory_service.handlers import inventory
from order_service.handlers import order
from payment_service.handlers import payment
from shipping_service.handlers import shipping

ORDER_SAGA = (order, inventory, payment, shipping)
